import type {
  CheckedFrame,
  CheckFrame,
  CompletedFrame,
  CompleteFrame,
  InspectedFrame,
  InspectFrame,
  MimeBundle,
} from "@zeroboot/sdk/protocol";
import { MAX_ARRAY_ENTRIES } from "@zeroboot/sdk/protocol";
import * as z from "zod";
import { decodeText } from "./guest-text.js";
import { Job } from "./job.js";
import { BINARY_MIME_TYPES, EXECUTE_CHECK, EXECUTE_COMPLETE, EXECUTE_INSPECT, MIME_TYPES } from "./link-abi.js";
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

/** Types in which a guest may tell about an object, and how much of each, UTF-16 code units. */
const TOLD_TYPES = MIME_TYPES.filter((type) => !BINARY_MIME_TYPES.has(type));
const MAX_TOLD = 64 * 1024;
const inspection = z.object({ found: z.boolean(), bundle: z.record(z.string(), z.unknown()).transform(told) });

type Asked = CompleteFrame | CheckFrame | InspectFrame;
const EXECUTE_FLAGS = { complete: EXECUTE_COMPLETE, check: EXECUTE_CHECK, inspect: EXECUTE_INSPECT } as const;

/**
 * One `complete`, `check` or `inspect`: what the guest's runtime says about code that is not run. Its answer is hostile
 * text; one that is missing or means nothing becomes the answer that does no harm.
 */
export class Question extends Job {
  readonly executeFlags: number;
  readonly env: readonly Uint8Array[] = [];
  readonly timeoutMs = QUESTION_TIMEOUT_MS;
  readonly #frame: Asked;
  #answer: Uint8Array | undefined;

  constructor(frame: Asked) {
    super(frame.id, payloadOf(frame));
    this.#frame = frame;
    this.executeFlags = EXECUTE_FLAGS[frame.type];
  }

  /** Of the frame that asked. */
  get type(): Asked["type"] {
    return this.#frame.type;
  }

  /** The guest's RESULT. */
  answered(whole: Assembled): void {
    if (!whole.truncated) this.#answer = whole.parts.get(JSON_PART);
  }

  /** The frame for what the guest has answered, or has not. */
  answer(): CompletedFrame | CheckedFrame | InspectedFrame {
    const answer = this.#answer === undefined ? undefined : parseJson(this.#answer);
    const frame = this.#frame;
    const { id } = frame;
    switch (frame.type) {
      case "check":
        return { type: "checked", id, ...(verdict.safeParse(answer).data ?? { status: "complete", indent: "" }) };
      case "inspect":
        return { type: "inspected", id, ...(inspection.safeParse(answer).data ?? { found: false, bundle: told({}) }) };
      case "complete":
        return completed(frame, answer);
    }
  }
}

function completed({ id, code, cursor }: CompleteFrame, answer: unknown): CompletedFrame {
  const length = codePoints(code);
  const parsed = completion.safeParse(answer).data;
  if (parsed !== undefined && parsed.start <= parsed.end && parsed.end <= length) {
    return { type: "completed", id, ...parsed };
  }
  const at = Math.min(cursor, length);
  return { type: "completed", id, matches: [], start: at, end: at };
}

/** What a guest says of an object, as far as it is text of a known type. */
function told(said: Readonly<Record<string, unknown>>): MimeBundle {
  const bundle: Record<string, string> = {};
  for (const type of TOLD_TYPES) {
    const text = Object.hasOwn(said, type) ? said[type] : undefined;
    if (typeof text === "string") bundle[type] = text.slice(0, MAX_TOLD);
  }
  return { "text/plain": "", ...bundle };
}

/** `ZB_EXECUTE_COMPLETE`, `ZB_EXECUTE_INSPECT`: the cursor goes before the source. */
function payloadOf(frame: Asked): Uint8Array {
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
