/** Questions about source instead of cells: what may stand at the cursor, and whether a cell is whole. */
import { count } from "./cell.mjs";
import { check } from "./check.mjs";
import { complete } from "./complete.mjs";
import { inspectAt } from "./inspect.mjs";
import {
  DONE_ERROR,
  DONE_INTERRUPTED,
  DONE_OK,
  EXECUTE_CHECK,
  EXECUTE_INSPECT,
  GUEST,
  LAST_OF_BUNDLE,
  link,
  MIME_JSON,
} from "./link.mjs";

function answer(flags, payload) {
  if ((flags & EXECUTE_CHECK) !== 0) return check(payload.toString("utf8"));
  if ((flags & EXECUTE_INSPECT) !== 0) return inspectAt(payload.toString("utf8", 4), payload.readUInt32LE(0));
  return complete(payload.toString("utf8", 4), payload.readUInt32LE(0));
}

/** Exactly one DONE follows, without a RESULT if the answer was given up. */
export function runQuestion(execution, flags, payload) {
  link.begin(execution);
  link.disownOutput();
  let found;
  let outcome = { status: DONE_OK, exitCode: 0 };
  try {
    found = link.guard(answer, flags, payload);
  } catch {
    outcome = { status: DONE_ERROR, exitCode: 1 };
  }
  link.end();
  if (found === link.STOPPED) {
    link.stopped();
    found = undefined;
    outcome = { status: DONE_INTERRUPTED, exitCode: 130 };
  }
  if (found !== undefined) link.send(GUEST.RESULT, MIME_JSON | LAST_OF_BUNDLE, execution, JSON.stringify(found));
  link.done(execution, outcome.status, 0, outcome.exitCode, count());
}
