/**
 * The agent's place in Node's event loop.
 *
 * While nothing is left for the loop to wait for, Node says `beforeExit`; there the agent reads RX, which stops the
 * whole guest until the host has something, and runs one cell after the other. Else the loop goes on, with the wake-up
 * line beside its other work, and RX is read without waiting.
 */
import * as cells from "./cell.mjs";
import { ensureHandler, onUncaught } from "./exit.mjs";
import { look } from "./interrupts.mjs";
import { EXECUTE_CHECK, EXECUTE_COMPLETE, EXECUTE_INSPECT, EXECUTE_STDIN_OPEN, HOST, link } from "./link.mjs";
import { runQuestion } from "./questions.mjs";
import { endInput, isWanted, waitForInput } from "./stdin.mjs";

const { setImmediate } = globalThis;
const QUESTIONS = EXECUTE_COMPLETE | EXECUTE_CHECK | EXECUTE_INSPECT;

/** Assignments, and the execution they are for: one that was called off in between leaves none to the next. */
let variables = [];
let variablesOf = 0;
let isServing = false;

/** Variables for one cell; what they hid comes back after it. */
function setVariables(execution) {
  if (variablesOf !== execution) return undefined;
  const before = new Map();
  for (const assignment of variables) {
    const at = assignment.indexOf("=");
    const name = assignment.slice(0, at);
    if (!before.has(name)) before.set(name, process.env[name]);
    process.env[name] = assignment.slice(at + 1);
  }
  variables = [];
  return before;
}

function restoreVariables(before) {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

function execute(execution, flags, source) {
  ensureHandler();
  link.beginInput(execution, (flags & EXECUTE_STDIN_OPEN) !== 0);
  const before = variables.length === 0 ? undefined : setVariables(execution);
  cells.run(execution, source, {
    onEnd() {
      endInput();
      if (before !== undefined) restoreVariables(before);
    },
    onUncaught,
  });
}

function dispatch({ kind, flags, execution, payload }) {
  if (kind === HOST.EXECUTE && (flags & QUESTIONS) !== 0) {
    runQuestion(execution, flags, payload);
  } else if (kind === HOST.EXECUTE) {
    execute(execution, flags, payload);
  } else if (kind === HOST.ENV) {
    if (variablesOf !== execution) variables = [];
    variablesOf = execution;
    variables.push(payload);
  }
}

/** While a cell awaits: whether there is more to do at once. */
function attend(loopIsAlive) {
  if (isWanted()) {
    if (waitForInput(loopIsAlive)) return true;
    if (!loopIsAlive) look();
    return !loopIsAlive;
  }
  if (loopIsAlive) return false;
  look();
  if (cells.isRunning()) cells.failUnsettled();
  return true;
}

/** Serve until the loop has work of its own and the host none. */
function serve() {
  isServing = true;
  for (;;) {
    const loopIsAlive = link.loopIsAlive();
    if (cells.isRunning()) {
      if (!attend(loopIsAlive)) break;
    } else {
      const record = link.receive(loopIsAlive);
      if (record === undefined) break;
      dispatch(record);
    }
    cells.drain(onUncaught);
  }
  isServing = false;
}

function enter() {
  if (isServing) return;
  const shielded = link.shield(true);
  try {
    serve();
  } finally {
    isServing = false;
    link.shield(shielded);
  }
}

/** From here on cells are served, for ever. */
export function startServing() {
  process.on("beforeExit", enter);
  link.watchWakeLine(enter);
  // A cell that awaited has ended on the loop, where no more than that is done.
  cells.onCellEnd(() => {
    if (!isServing) setImmediate(enter);
  });
}

/** A stream that began to wait while the loop goes on asks its client. */
export function attendSoon() {
  if (!isServing) setImmediate(enter);
}
