/**
 * One cell: compile, run, report. It ends when its code has run and, if it awaits, when that has settled; or by an
 * exception that nobody handles, by process.exit(), by an interrupt. Whatever it does, exactly one DONE follows.
 */
import { prepare, runPrepared } from "./compile.mjs";
import { DONE_ERROR, DONE_INTERRUPTED, DONE_OK, link } from "./link.mjs";
import { describeError, sendError, sendResult, valueText } from "./report.mjs";

const { STOPPED } = link;
const then = Promise.prototype.then;
const SUCCESS = { status: DONE_OK, exitCode: 0 };

let executionCount = 0;
/** The cell that runs. @type {{execution: number, onEnd: () => void} | undefined} */
let current;
let lastValue;
let afterCell = () => {};

export function isRunning() {
  return current !== undefined;
}

export function count() {
  return executionCount;
}

/** Have something called whenever a cell has ended. */
export function onCellEnd(callback) {
  afterCell = callback;
}

/** `_` is the last result, until a cell gives it another meaning. */
export function installLastResult() {
  Object.defineProperty(globalThis, "_", {
    configurable: true,
    enumerable: false,
    get: () => lastValue,
    set(value) {
      Object.defineProperty(globalThis, "_", { configurable: true, enumerable: false, writable: true, value });
    },
  });
}

function end(cell, { status, exitCode }, tell) {
  current = undefined;
  link.end();
  const done = { flags: 0 };
  tell?.(done);
  cell.onEnd();
  link.done(cell.execution, status, done.flags, exitCode, executionCount);
  afterCell();
}

/** As the operating system would see it. */
function exitOutcome() {
  const code = process.exitCode;
  if (code === undefined) return SUCCESS;
  const exitCode = Number(code) & 0xff;
  process.exitCode = undefined;
  return { status: exitCode === 0 ? DONE_OK : DONE_ERROR, exitCode };
}

/** Call what may run the user's code: its value, or STOPPED when the cell has ended by that. */
function guarded(cell, call, ...args) {
  const value = link.guard(call, ...args);
  if (value === STOPPED) stopped();
  return current === cell ? value : STOPPED;
}

function succeed(cell, hasResult, value) {
  if (current !== cell) return;
  let text;
  if (hasResult && value !== undefined) {
    try {
      text = guarded(cell, valueText, value);
    } catch (error) {
      fail(error);
      return;
    }
    if (text === STOPPED) return;
    lastValue = value;
  }
  end(cell, exitOutcome(), text === undefined ? undefined : (done) => sendResult(cell.execution, text, done));
}

/** The cell that runs ends by what was thrown. */
export function fail(error) {
  const cell = current;
  let described;
  try {
    described = guarded(cell, describeError, error);
  } catch {
    described = { name: "Error", message: "[an error that cannot be shown]", traceback: "" };
  }
  if (described === STOPPED) return;
  process.exitCode = undefined;
  end(cell, { status: DONE_ERROR, exitCode: 1 }, (done) => sendError(cell.execution, described, done));
}

/** Whatever ran was broken off: the cell ends if there is one. */
export function stopped() {
  const why = link.stopped();
  const cell = current;
  if (why === undefined || cell === undefined) return;
  if (why.reason === "exit") {
    end(cell, exitOutcome());
    return;
  }
  process.exitCode = undefined;
  const error =
    why.reason === "memory"
      ? { name: "RangeError", message: "JavaScript heap out of memory" }
      : { name: "Interrupted", message: "The cell was interrupted" };
  const outcome =
    why.reason === "memory" ? { status: DONE_ERROR, exitCode: 1 } : { status: DONE_INTERRUPTED, exitCode: 130 };
  const traceback = `${error.name}: ${error.message}${why.trace}`;
  end(cell, outcome, (done) => sendError(cell.execution, { ...error, traceback }, done));
}

/** The cell awaits and is to end. */
export function interrupt() {
  const cell = current;
  const error = { name: "Interrupted", message: "The cell was interrupted while it awaited" };
  const traceback = `${error.name}: ${error.message}`;
  end(cell, { status: DONE_INTERRUPTED, exitCode: 130 }, (done) =>
    sendError(cell.execution, { ...error, traceback }, done),
  );
}

/** The cell awaits what nothing is left to settle: Node would end with this code. */
export function failUnsettled() {
  const cell = current;
  const error = { name: "Error", message: "await of a promise that nothing is left to settle" };
  const traceback = `${error.name}: ${error.message}`;
  end(cell, { status: DONE_ERROR, exitCode: 13 }, (done) => sendError(cell.execution, { ...error, traceback }, done));
}

/**
 * Run what is queued of process.nextTick() and promises, and what that queues. In a cell or between two: what is thrown
 * in there is nobody's to catch.
 */
export function drain(onUncaught) {
  for (;;) {
    try {
      if (link.guard(process._tickCallback) === STOPPED) stopped();
      return;
    } catch (error) {
      onUncaught(error);
    }
  }
}

/** Enter the agent's own code from the user's: it is not to be broken off. */
function shielded(body) {
  const before = link.shield(true);
  try {
    body();
  } finally {
    link.shield(before);
  }
}

/**
 * Run one cell. When this returns it has ended or awaits.
 * @param {number} execution
 * @param {string} source
 * @param {{onEnd: () => void, onUncaught: (error: unknown) => void}} hooks
 */
export function run(execution, source, { onEnd, onUncaught }) {
  executionCount++;
  const cell = { execution, onEnd };
  current = cell;
  link.begin(execution);
  let code;
  let value;
  try {
    code = prepare(source, `<cell ${executionCount}>`);
    value = runPrepared(code);
    if (value === STOPPED) stopped();
  } catch (error) {
    if (current === cell) fail(error);
    return;
  }
  if (current !== cell) return;
  if (code.isAsync) {
    const onValue = (settled) => shielded(() => succeed(cell, code.hasResult, settled?.value));
    const onError = (error) => shielded(() => current === cell && fail(error));
    Reflect.apply(then, value, [onValue, onError]);
    drain(onUncaught);
  } else {
    // What it has queued is a part of it, so that a rejection nobody handles is its own.
    drain(onUncaught);
    succeed(cell, code.hasResult, value);
  }
}

/** The agent's own warm-up leaves no trace. */
export function forget() {
  executionCount = 0;
  lastValue = undefined;
}
