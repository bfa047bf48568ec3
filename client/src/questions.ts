import { ExecutionRefusedError, InvalidOptionError } from "./errors.js";
import type {
  CheckedFrame,
  CompletedFrame,
  FailureFrame,
  InspectedFrame,
  MimeBundle,
  SessionLimits,
} from "./protocol/frames.js";
import { isWellFormed, utf8Length } from "./protocol/utf8.js";

/** What could stand at the cursor. Positions are indices of the JavaScript string. */
export interface Completion {
  /** Any of these may replace the code from `start` to `end`. */
  readonly matches: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** Whether code can be run as it is. */
export interface CodeCheck {
  /** `incomplete`: it wants another line; `invalid`: no line helps. */
  readonly status: CheckedFrame["status"];
  /** With which the next line of incomplete code begins. */
  readonly indent: string;
}

/** What there is to know about the object at the cursor. */
export interface Inspection {
  /** Whether the cursor is at the name of something there is. */
  readonly found: boolean;
  /** Signature, type, documentation and origin; its `text/plain` is empty when nothing was found. */
  readonly bundle: MimeBundle;
}

type Answer = CompletedFrame | CheckedFrame | InspectedFrame;

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** A session's questions that have not been answered. */
export class Questions {
  readonly #waiting = new Map<string, Waiting>();

  /** The answer to the question of this id. @throws ExecutionRefusedError, or what the session ended with */
  wait(id: string): Promise<Answer> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Whether the question was asked. */
  answer(frame: Answer): boolean {
    const waiting = this.#take(frame.id);
    waiting?.resolve(frame);
    return waiting !== undefined;
  }

  refuse(id: string, frame: FailureFrame): void {
    this.#take(id)?.reject(new ExecutionRefusedError(frame.code, frame.message));
  }

  /** There will be no answers. */
  fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/** @throws InvalidOptionError */
export function checkCode(code: string, limits: SessionLimits): void {
  if (typeof code !== "string") throw new InvalidOptionError("code must be a string");
  if (!isWellFormed(code)) throw new InvalidOptionError("code has half a character (a lone surrogate)");
  if (utf8Length(code) > limits.maxCodeBytes) {
    throw new InvalidOptionError(`code has more than ${limits.maxCodeBytes} bytes`);
  }
}

/** Code points before an index of `text`. @throws InvalidOptionError */
export function codePointsBefore(text: string, index: number): number {
  if (!Number.isInteger(index) || index < 0 || index > text.length) {
    throw new InvalidOptionError(`cursor must be a position in the code, 0 to ${text.length}`);
  }
  let count = 0;
  for (const _ of text.slice(0, index)) count++;
  return count;
}

/** The index of `text` behind so many code points; its end if it has no more. */
export function indexBehind(text: string, codePoints: number): number {
  let index = 0;
  for (let left = codePoints; left > 0 && index < text.length; left--) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}
