import type { FailureCode } from "./codes.js";

/** The codes with which {@link FrameError} refuses a message. */
export type FrameErrorCode = Extract<
  FailureCode,
  "frame_too_large" | "malformed_frame" | "invalid_utf8" | "unknown_type" | "invalid_frame" | "code_too_large"
>;

/** A received message is not a frame of this protocol. `code` is one of the registry in codes.ts. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;
  /** The frame's `id`, where it has a usable one. */
  readonly id: string | undefined;

  constructor(code: FrameErrorCode, message: string, options: { id?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.id = options.id;
  }
}
