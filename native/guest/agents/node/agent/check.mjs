/** Whether a cell is whole. */
import { tokenizer } from "acorn";
import { transform } from "./transform.mjs";

const OPENING = new Set(["{", "(", "[", "${"]);
const CLOSING = new Set(["}", ")", "]"]);
/** Errors of the parser for what only goes on in the next line. */
const UNTERMINATED = /^Unterminated (template|comment)/;

/** What the next line begins with: two spaces for each bracket that is open. */
function indent(source) {
  let depth = 0;
  try {
    for (const { type } of tokenizer(source, { ecmaVersion: "latest" })) {
      if (OPENING.has(type.label)) depth++;
      else if (CLOSING.has(type.label)) depth--;
    }
  } catch {
    // As far as it goes.
  }
  return "  ".repeat(Math.max(0, depth));
}

/** @returns {{status: "complete" | "incomplete" | "invalid", indent: string}} */
export function check(source) {
  try {
    transform(source);
    return { status: "complete", indent: "" };
  } catch (error) {
    // At the end of the source something is missing; before it, no line behind helps.
    const atEnd = error.pos >= source.trimEnd().length && !/^Unterminated (string|regular)/.test(error.message);
    const continued = /^Unterminated string/.test(error.message) && /\\$/.test(source.trimEnd());
    if (atEnd || continued || UNTERMINATED.test(error.message)) return { status: "incomplete", indent: indent(source) };
    return { status: "invalid", indent: "" };
  }
}
