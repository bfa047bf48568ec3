import type { CheckedFrame, CheckFrame, CompletedFrame, CompleteFrame } from "@zeroboot/sdk/protocol";
import { MAX_ARRAY_ENTRIES } from "@zeroboot/sdk/protocol";
import * as z from "zod";
import { decodeText } from "./guest-text.js";
import { Job } from "./job.js";
import { EXECUTE_CHECK, EXECUTE_COMPLETE, MIME_TYPES } from "./link-abi.js";
import type { Assembled } from "./part-assembler.js";

/** For the guest to answer, milliseconds; then it is interrupted. */
export const QUESTION_TIMEOUT_MS = 5_000;

const JSON_PART = MIME_TYPES.indexOf("application/json");
/** Of the next line, which nobody writes with more. */
const MAX_INDENT = 1024;

const position = z.int().nonnegative();
const completion = z.object({
  matches: z.array(z.string()).transform((matches) => matches.slice(0, MAX_ARRAY_ENTRIES)),
  start: position,
  end: position,
});
const verdict = z.object({
  status: z.enum(["complete", "incomplete", "invalid"]),
  indent: z.string().transform((text) => text.slice(0, MAX_INDENT)),
});

/**
 * One `complete` or `check`: what the guest's runtime says about code that is not run. Its answer is hostile
 * text; one that is missing or means nothing becomes the answer that does no harm.
 */
export class Question extends Job {
  readonly executeFlags: number;
  readonly env: readonly Uint8Array[] = [];
  readonly timeoutMs = QUESTION_TIMEOUT_MS;
  readonly #frame: CompleteFrame | CheckFrame;
  #answer: Uint8Array | undefined;

  constructor(frame: CompleteFrame | CheckFrame) {
    super(frame.id, payloadOf(frame));
    this.#frame = frame;
    this.executeFlags = frame.type === "complete" ? EXECUTE_COMPLETE : EXECUTE_CHECK;
  }

  /** Of the frame that asked. */
  get type(): "complete" | "check" {
    return this.#frame.type;
  }

  /** The guest's RESULT. */
  answered(whole: Assembled): void {
    if (!whole.truncated) this.#answer = whole.parts.get(JSON_PART);
  }

  /** The frame for what the guest has answered, or has not. */
  answer(): CompletedFrame | CheckedFrame {
    const answer = this.#answer === undefined ? undefined : parseJson(this.#answer);
    const { type, id } = this.#frame;
    if (type === "check") {
      return { type: "checked", id, ...(verdict.safeParse(answer).data ?? { status: "complete", indent: "" }) };
    }
    const { code, cursor } = this.#frame;
    const length = codePoints(code);
    const parsed = completion.safeParse(answer).data;
    if (parsed !== undefined && parsed.start <= parsed.end && parsed.end <= length) {
      return { type: "completed", id, ...parsed };
    }
    const at = Math.min(cursor, length);
    return { type: "completed", id, matches: [], start: at, end: at };
  }
}

/** `ZB_EXECUTE_COMPLETE`: the cursor goes before the source. */
function payloadOf(frame: CompleteFrame | CheckFrame): Uint8Array {
  const source = Buffer.from(frame.code, "utf8");
  if (frame.type === "check") return source;
  const cursor = Buffer.alloc(4);
  cursor.writeUInt32LE(Math.min(frame.cursor, codePoints(frame.code)));
  return Buffer.concat([cursor, source]);
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes));
  } catch {
    return undefined;
  }
}
