/** What the object named at the cursor is. Runs nothing of the user's. */
import { inspect } from "node:util";
import { NOTHING, ownerOf } from "./complete.mjs";

/** Of the whole text, UTF-16 code units. */
const MAX_TEXT = 32 * 1024;
const MAX_HEAD = 300;
const PATH = /(?:[\p{ID_Start}$_][\p{ID_Continue}$]*\.)*[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const REST_OF_NAME = /^[\p{ID_Continue}$]*/u;
const SHOWN = { depth: 1, customInspect: false, getters: false, maxArrayLength: 20, maxStringLength: 1000 };

const toText = Function.prototype.toString;

/** The names, joined by dots, that end with the one at the cursor. */
function pathAt(source, cursor) {
  const index = [...source].slice(0, cursor).join("").length;
  const end = index + REST_OF_NAME.exec(source.slice(index))[0].length;
  return PATH.exec(source.slice(0, end))?.[0];
}

function describe(value) {
  if (typeof value !== "function") return `${typeof value}: ${inspect(value, SHOWN)}`;
  const head = Reflect.apply(toText, value, []).slice(0, MAX_HEAD).split("{")[0].trim();
  return /^(class|(async )?function)\b/.test(head) ? head : `function ${head}`;
}

export function inspectAt(source, cursor) {
  const path = pathAt(source, cursor);
  const value = path === undefined ? NOTHING : ownerOf(path);
  if (value === NOTHING) return { found: false, bundle: { "text/plain": "" } };
  return { found: true, bundle: { "text/plain": describe(value).slice(0, MAX_TEXT) } };
}
