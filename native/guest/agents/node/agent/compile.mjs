/** A cell's source made ready to run in the global scope, and run there. */
import vm from "node:vm";
import { link } from "./link.mjs";
import { rememberPositions } from "./positions.mjs";
import { isPlain, transform } from "./transform.mjs";

const { NOT_COMPILED } = link;
const { USE_MAIN_CONTEXT_DEFAULT_LOADER } = vm.constants;

function script(code, filename, columnOffset) {
  return new vm.Script(code, { filename, columnOffset, importModuleDynamically: USE_MAIN_CONTEXT_DEFAULT_LOADER });
}

/** What the parser said, in the form in which V8 says it. */
function syntaxError(raised, source, name) {
  const message = raised.message.replace(/ \(\d+:\d+\)$/, "");
  const error = new SyntaxError(message);
  const at = Math.min(raised.pos ?? 0, source.length);
  const before = source.slice(0, at).split("\n");
  const line = source.split("\n")[before.length - 1];
  error.stack = `${name}:${before.length}\n${line}\n${" ".repeat(before.at(-1).length)}^\n\nSyntaxError: ${message}`;
  return error;
}

/** A function of a script for which import() does what it does in a REPL. */
link.takeOptions(script("() => {}", "<options>", 0).runInThisContext());

/**
 * @param {string} source
 * @param {string} name
 * @returns {{code: string, name: string, columnOffset: number, isAsync: boolean, hasResult: boolean}}
 * @throws {SyntaxError}
 */
export function prepare(source, name) {
  if (isPlain(source)) return { code: source, name, columnOffset: 0, isAsync: false, hasResult: true };
  let parts;
  try {
    parts = transform(source);
  } catch (raised) {
    try {
      script(source, name, 0);
    } catch (error) {
      // V8 is told of no await, so of that our parser knows more.
      throw /\bawait\b|\bimport\b|\bexport\b/.test(error.message) ? syntaxError(raised, source, name) : error;
    }
    return { code: source, name, columnOffset: 0, isAsync: false, hasResult: true };
  }
  const { code, columnOffset, isAsync, hasResult, shifts } = parts;
  if (isAsync || shifts.length > 0) rememberPositions(name, source.split("\n").length, shifts);
  return { code, name, columnOffset, isAsync, hasResult };
}

/**
 * @returns {unknown} the script's value; STOPPED when it was broken off
 * @throws {SyntaxError}
 */
export function runPrepared({ code, name, columnOffset }) {
  const value = link.runScript(code, name, columnOffset);
  if (value !== NOT_COMPILED) return value;
  // Once more, by what says where the error is. If it was none of the cell's, as when memory was short, it runs.
  const known = script(code, name, columnOffset);
  return link.guard(() => known.runInThisContext({ displayErrors: false }));
}
