import type { FailureCode } from "./codes.js";

/** The codes with which {@link FrameError} refuses a message. */
export type FrameErrorCode = Extract<
  FailureCode,
  "frame_too_large" | "malformed_frame" | "invalid_utf8" | "unknown_type" | "invalid_frame" | "code_too_large"
>;

/** What is known of the refused message. */
export interface FrameErrorSubject {
  readonly frame?: string | undefined;
  readonly id?: string | undefined;
  readonly cause?: unknown;
}

/** A received message is not a frame of this protocol. `code` is one of the registry in codes.ts. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;
  /** The frame's `type`, where it is one of this protocol. */
  readonly frame: string | undefined;
  /** The frame's `id`, where it has a usable one. */
  readonly id: string | undefined;

  constructor(code: FrameErrorCode, message: string, about: FrameErrorSubject = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.frame = about.frame;
    this.id = about.id;
  }
}
