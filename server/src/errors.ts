/**
 * Codes of {@link ServerError}: what can keep a command or the server from starting or going on.
 * Failures a client sees have their own registry, which it shares: client/src/protocol/codes.ts.
 * Each is described in docs/errors.md.
 */
export type ServerErrorCode =
  | "config_invalid" // a flag or an environment variable is not understood
  | "api_keys_invalid" // the file of API keys cannot be read or is not a JSON array of strings
  | "insecure_bind" // a non-loopback address without API keys
  | "tls_invalid" // certificate or private key cannot be read, do not belong together or are out of date
  | "port_in_use" // another program listens there
  | "listen_failed" // the address cannot be listened on for another reason
  | "node_unsupported" // this Node version or platform cannot run the server
  | "native_module_missing" // a native module was not installed or not built
  | "native_module_mismatch" // a native module is not the file that is pinned
  | "template_unknown" // no template of this name can be made or found
  | "preload_failed" // a template's preload raised, did not end or ran out of memory
  | "snapshot_refused" // the snapshot file that was given cannot be used here
  | "input_invalid" // the code to run cannot be read
  | "internal"; // a bug

/** What {@link ServerError} carries beside its message. */
export interface ServerErrorDetail {
  /** One sentence: what the user can do about it. */
  readonly remedy?: string | undefined;
  /** What a guest wrote to its console: hostile text. */
  readonly console?: string;
  readonly cause?: unknown;
}

/** A command or the server cannot go on. `code` is stable; `message` and `remedy` are for people. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ServerErrorCode;
  readonly remedy: string | undefined;
  readonly console: string | undefined;

  constructor(code: ServerErrorCode, message: string, detail: ServerErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.remedy = detail.remedy;
    this.console = detail.console;
  }
}

/** The stable `code` of any error of this project (server, setup, engine), or of Node. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** The `remedy` of any error of this project that has one. */
export function errorRemedy(error: unknown): string | undefined {
  if (error instanceof Error && "remedy" in error && typeof error.remedy === "string") return error.remedy;
  return undefined;
}
