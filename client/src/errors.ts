import type { FailureCode } from "./protocol/codes.js";
import type { RunResult } from "./rest/result.js";

/**
 * Codes of errors that come from the client's side; all others are the server's, see
 * `FailureCode`.
 */
export type ClientErrorCode =
  | "connect_failed" // nothing answers at the URL, or not a Zeroboot server
  | "connect_timeout" // no session within `connectTimeoutMs`
  | "connection_lost" // the connection ended without a word from the server
  | "protocol_error" // the server sent what this client does not understand
  | "invalid_option" // an argument cannot be used
  | "execution_failed" // with `check`: the program did not end with 0
  | "send_queue_full"; // the server reads more slowly than the program writes

/** Any code an error of this package may have. A newer server may send others, hence `string`. */
export type ErrorCode = ClientErrorCode | FailureCode | (string & {});

/** Base of every error of this package. `code` is stable; `message` is for people. */
export class ZerobootError extends Error {
  override readonly name: string = "ZerobootError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** The server cannot be reached: `connect_failed`, `connect_timeout`. */
export class ConnectionError extends ZerobootError {
  override readonly name = "ConnectionError";
}

/** The server answered and gave no session: `unauthorized`, `template_unknown`, `template_building` and others. */
export class SessionRefusedError extends ZerobootError {
  override readonly name = "SessionRefusedError";
}

/**
 * The session has ended and everything that waited for it: `session_closed` after `close()`,
 * `connection_lost`, `shutting_down`, `guest_panic` and others.
 */
export class SessionClosedError extends ZerobootError {
  override readonly name = "SessionClosedError";
}

/**
 * The server did not accept an execution, or a question, which therefore never ran: `queue_full`,
 * `code_too_large`, `restarted` and others.
 */
export class ExecutionRefusedError extends ZerobootError {
  override readonly name = "ExecutionRefusedError";
}

/** The server broke the protocol (`protocol_error`); the session has ended. */
export class ProtocolError extends ZerobootError {
  override readonly name = "ProtocolError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("protocol_error", message, options);
  }
}

/** An argument cannot be used (`invalid_option`); nothing was sent. */
export class InvalidOptionError extends ZerobootError {
  override readonly name = "InvalidOptionError";

  constructor(message: string) {
    super("invalid_option", message);
  }
}

/** The server answered a request with an error: `unauthorized`, `rate_limited`, `invalid_request`, `starting` and others. */
export class RequestError extends ZerobootError {
  override readonly name = "RequestError";
  /** Of the HTTP answer. */
  readonly status: number;

  constructor(code: ErrorCode, message: string, status: number) {
    super(code, message);
    this.status = status;
  }
}

/** A program did not end with 0, and the caller had asked to be told so (`execution_failed`). */
export class ExecutionFailed extends ZerobootError {
  override readonly name = "ExecutionFailed";
  /** All that is known of the run. */
  readonly result: RunResult;

  constructor(result: RunResult) {
    const last = result.stderr.trimEnd().split("\n").at(-1) ?? "";
    super("execution_failed", `the program ended with ${result.exitCode}${last === "" ? "" : `: ${last}`}`);
    this.result = result;
  }
}
