/** A cell's source made ready to run in the global scope. */
import vm from "node:vm";
import { rememberPositions } from "./positions.mjs";
import { transform } from "./transform.mjs";

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

/**
 * @returns {{run: () => unknown, isAsync: boolean, hasResult: boolean}}
 * @throws {SyntaxError}
 */
export function compile(source, name) {
  let parts;
  try {
    parts = transform(source);
  } catch (raised) {
    let known;
    try {
      known = script(source, name, 0);
    } catch (error) {
      // V8 is told of no await, so of that our parser knows more.
      throw /\bawait\b|\bimport\b|\bexport\b/.test(error.message) ? syntaxError(raised, source, name) : error;
    }
    return { run: () => known.runInThisContext({ displayErrors: false }), isAsync: false, hasResult: true };
  }
  const { code, columnOffset, isAsync, hasResult, shifts } = parts;
  rememberPositions(name, source.split("\n").length, shifts);
  const compiled = script(code, name, columnOffset);
  return { run: () => compiled.runInThisContext({ displayErrors: false }), isAsync, hasResult };
}
