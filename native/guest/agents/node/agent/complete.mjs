/**
 * What may stand at the cursor: names, keywords, properties of live objects. Runs nothing of the user's: no getter, no
 * trap of a proxy.
 */
import { builtinModules } from "node:module";
import util from "node:util";

const MAX_MATCHES = 100;
/** Of one match: with MAX_MATCHES a bound on the whole answer. */
const MAX_NAME = 200;
/** Of the source before the cursor that is looked at. */
const MAX_CONTEXT = 64 * 1024;

const KEYWORDS = (
  "async await break case catch class const continue debugger default delete do else export extends false finally for " +
  "function if import in instanceof let new null of return static super switch this throw true try typeof undefined " +
  "var void while with yield"
).split(" ");
const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const PATH =
  /(?:^|[^\p{ID_Continue}$.\])"'`])((?:[\p{ID_Start}$_][\p{ID_Continue}$]*\s*\??\.\s*)*)([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u;
const LITERAL_MEMBER = /(\]|"|'|`)\.([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u;
const MODULE = /(?:\brequire\(|\bfrom|\bimport\(?)\s*(["'])([^"']*)$/;
/** There is no such thing, or only code of the user's could tell. */
export const NOTHING = Symbol("nothing");

/** The value of a property that is one, wherever on the prototype chain; NOTHING where code would have to run. */
function property(owner, name) {
  for (let at = Object(owner); at !== null; at = Object.getPrototypeOf(at)) {
    if (util.types.isProxy(at)) return NOTHING;
    const descriptor = Object.getOwnPropertyDescriptor(at, name);
    if (descriptor !== undefined) return "value" in descriptor ? descriptor.value : NOTHING;
  }
  return NOTHING;
}

function members(owner) {
  const names = [];
  for (let at = Object(owner); at !== null; at = Object.getPrototypeOf(at)) {
    if (util.types.isProxy(at)) break;
    names.push(...Object.getOwnPropertyNames(at));
  }
  return names;
}

/** Globals that are read by a getter of Node's own. */
function globalValue(name) {
  const value = property(globalThis, name);
  if (value !== NOTHING) return value;
  return OWN_GETTERS.has(name) ? globalThis[name] : NOTHING;
}

const OWN_GETTERS = new Set();

/** Global getters that may be called: Node's and the agent's, before any cell has run. */
export function noteOwnGetters() {
  for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
    if (get !== undefined && name !== "_") OWN_GETTERS.add(name);
  }
}

/** What a path of names, joined by dots, leads to; NOTHING for null, undefined and what cannot be told. */
export function ownerOf(path) {
  const [first, ...rest] = path.split(/\s*\??\.\s*/).filter((part) => part !== "");
  let owner = first === "globalThis" ? globalThis : globalValue(first);
  for (const name of rest) {
    if (owner === NOTHING || owner === null || owner === undefined) return NOTHING;
    owner = property(owner, name);
  }
  return owner === null || owner === undefined ? NOTHING : owner;
}

function matching(names, prefix, isMatch = (name) => NAME.test(name)) {
  const found = new Set(names.filter((name) => name.startsWith(prefix) && name.length <= MAX_NAME && isMatch(name)));
  return [...found].sort().slice(0, MAX_MATCHES);
}

/** Whether the end of a text lies in a string or comment. */
function isInText(text) {
  const stripped = text.replace(/\\./gs, "").replace(/"[^"\n]*"|'[^'\n]*'|`[^`]*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n/g, " ");
  return /["'`]|\/\*|\/\//.test(stripped);
}

function candidates(text) {
  const module = MODULE.exec(text);
  if (module !== null) {
    const names = [
      ...builtinModules.filter((name) => !name.startsWith("_")),
      ...builtinModules.map((of) => `node:${of}`),
    ];
    return { names, prefix: module[2], isMatch: (name) => /^[\w:/]+$/.test(name) };
  }
  if (isInText(text)) return undefined;
  const literal = LITERAL_MEMBER.exec(text);
  if (literal !== null) {
    return { names: members(literal[1] === "]" ? Array.prototype : String.prototype), prefix: literal[2] ?? "" };
  }
  const path = PATH.exec(text);
  if (path === null) return undefined;
  const [, owner, prefix = ""] = path;
  if (owner !== "") {
    const found = ownerOf(owner);
    return found === NOTHING ? undefined : { names: members(found), prefix };
  }
  // Of all the names there are, only the user's own are worth showing unasked.
  const own = Object.keys(globalThis);
  return { names: prefix === "" ? own : [...own, ...members(globalThis), ...KEYWORDS], prefix };
}

/** Matches for `source` at `cursor` (code points), sorted: each may stand in place of [start, end). */
export function complete(source, cursor) {
  const points = [...source];
  const end = Math.max(0, Math.min(cursor, points.length));
  const text = points.slice(Math.max(0, end - MAX_CONTEXT), end).join("");
  const found = candidates(text);
  if (found === undefined) return { matches: [], start: end, end };
  const { names, prefix, isMatch } = found;
  return { matches: matching(names, prefix, isMatch), start: end - [...prefix].length, end };
}
