/** The ways in which Node's process ends, which here end a cell. */
import timers from "node:timers";
import * as cells from "./cell.mjs";
import { GUEST, link } from "./link.mjs";
import { describeError } from "./report.mjs";

function exit(code) {
  // Node's own setter checks it.
  if (code !== undefined) process.exitCode = code;
  link.stop("exit");
  // V8 breaks off at the next turn of a loop.
  for (;;);
}

/** What nobody catches ends the cell that runs; between cells it is shown, and the session goes on. */
export function onUncaught(error) {
  const shielded = link.shield(true);
  try {
    if (cells.isRunning()) cells.fail(error);
    else link.write(GUEST.STDERR, `${describeError(error).traceback}\n`);
  } finally {
    link.shield(shielded);
  }
}

function onUncaughtException(error) {
  // A handler of the user's is asked alone.
  if (process.listenerCount("uncaughtException") === 1) onUncaught(error);
}

/** Without ours a stray exception would end the process. */
export function ensureHandler() {
  // Nearly always alone. To ask for the listeners would call a number of functions that no cell needs else.
  if (process._events?.uncaughtException === onUncaughtException) return;
  if (!process.listeners("uncaughtException").includes(onUncaughtException)) {
    process.on("uncaughtException", onUncaughtException);
  }
}

/** A timer's function broken off in the middle of Node's own would leave its lists in disorder. */
function guardTimer(original) {
  const wrapped = {
    [original.name](callback, ...rest) {
      if (typeof callback !== "function") return original(callback, ...rest);
      const guarded = function (...args) {
        const value = link.guard(Reflect.apply, callback, this, args);
        if (value === link.STOPPED) cells.stopped();
      };
      return original(guarded, ...rest);
    },
  }[original.name];
  for (const key of Reflect.ownKeys(original)) {
    if (key === "length" || key === "name" || key === "prototype") continue;
    Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(original, key));
  }
  return wrapped;
}

export function installExit() {
  process.exit = exit;
  process.reallyExit = exit;
  ensureHandler();
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    timers[name] = guardTimer(timers[name]);
    Object.defineProperty(globalThis, name, {
      ...Object.getOwnPropertyDescriptor(globalThis, name),
      value: timers[name],
    });
  }
}
