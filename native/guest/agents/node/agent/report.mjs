/** What the host is told of a cell: its value or its error, and how it ended. */
import util from "node:util";
import {
  DONE_TRUNCATED,
  ERROR_MESSAGE,
  ERROR_NAME,
  ERROR_TRACEBACK,
  GUEST,
  LAST_OF_BUNDLE,
  link,
  MIME_TEXT,
} from "./link.mjs";
import { originalPositions } from "./positions.mjs";

/** Of one result or traceback, in bytes; the host cuts at its own limit too. */
const MAX_TEXT = 256 * 1024;
const AGENT_FRAME = /^ {4}at .*(\/usr\/lib\/zeroboot\/agent\/|\(node:vm:)/;
const CELL_FRAME = /^ {4}at .*<cell \d+>:/;

const { inspect } = util;

/** As a REPL shows a value. May run code of the value's own. */
export function valueText(value) {
  return inspect(value);
}

/** Up to where the agent, or Node for it, called what is the user's. */
function withoutAgentFrames(stack) {
  const lines = stack.split("\n");
  const agent = lines.findIndex((line, at) => AGENT_FRAME.test(line) && !lines.slice(at).some(isCellFrame));
  if (agent < 0) return lines.filter((line) => !AGENT_FRAME.test(line)).join("\n");
  // What inspect() shows of an error's properties stands behind the frames.
  let rest = agent;
  while (/^ {4}at /.test(lines[rest] ?? "")) rest++;
  const tail = (lines[rest - 1] ?? "").endsWith(" {") ? [" {"] : [];
  const kept = lines.slice(0, agent).filter((line) => !AGENT_FRAME.test(line));
  return (
    kept.join("\n") +
    tail.join("") +
    lines
      .slice(rest)
      .map((line) => `\n${line}`)
      .join("")
  );
}

function isCellFrame(line) {
  return CELL_FRAME.test(line);
}

/** As inspect() shows it, with causes and properties of its own. */
function stackText(error) {
  const text = inspect(error);
  // Without frames it stands in brackets.
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
}

/** Text of a user's object, whose own code may fail. */
function safely(read) {
  try {
    return String(read());
  } catch {
    return "[an error that cannot be shown]";
  }
}

/**
 * Name, message and stack of whatever was thrown. May run code of the error's own.
 * @returns {{name: string, message: string, traceback: string}}
 */
export function describeError(error) {
  if (!util.types.isNativeError(error) && !(error instanceof Error)) {
    const text = safely(() => (typeof error === "string" ? error : inspect(error)));
    return { name: "Uncaught", message: text, traceback: `Uncaught ${safely(() => inspect(error))}` };
  }
  const name = safely(() => error.name);
  const message = safely(() => error.message);
  const traceback = withoutAgentFrames(originalPositions(safely(() => stackText(error))));
  return { name, message, traceback };
}

function encode(text, done) {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= MAX_TEXT) return bytes;
  done.flags |= DONE_TRUNCATED;
  let end = MAX_TEXT;
  // Not inside a character.
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

export function sendResult(execution, text, done) {
  link.send(GUEST.RESULT, MIME_TEXT | LAST_OF_BUNDLE, execution, encode(text, done));
}

export function sendError(execution, { name, message, traceback }, done) {
  link.send(GUEST.ERROR, ERROR_NAME, execution, encode(name, done));
  link.send(GUEST.ERROR, ERROR_MESSAGE, execution, encode(message, done));
  link.send(GUEST.ERROR, ERROR_TRACEBACK | LAST_OF_BUNDLE, execution, encode(traceback, done));
}
