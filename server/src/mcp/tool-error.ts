import { errorCode } from "../errors.js";

/** Codes of {@link ToolError}. Each is described in docs/agents.md. */
export type ToolErrorCode =
  | "session_language" // the session speaks another language
  | "session_limit" // there are as many sessions as there may be
  | "file_failed" // the file could not be written or read; the message is the guest's own
  | "file_too_large"; // a part of a file has more bytes than one call takes

/** Why a tool did not do its work, for the model that called it. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly code: ToolErrorCode;

  constructor(code: ToolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** `code: message` of anything that was thrown. */
export function describeError(error: unknown): string {
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${code}: ${message}`;
}
