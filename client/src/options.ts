import { InvalidOptionError, type ZerobootError } from "./errors.js";
import { encodeFrame } from "./protocol/codec.js";
import type { ExecuteFrame, MimeBundle, RestartedFrame, SessionLimits } from "./protocol/frames.js";
import { executeFrame } from "./protocol/frames.js";
import { checkCode } from "./questions.js";

/** Options of `Session.connect`. */
export interface ConnectOptions {
  /**
   * The server: an http:, https:, ws: or wss: URL.
   * @default `ZEROBOOT_BASE_URL`, else `http://127.0.0.1:8080`; in browsers the page's own server
   */
  url?: string;
  /** Sent as a bearer token; in browsers as a WebSocket subprotocol entry. */
  apiKey?: string;
  /** @default the server's, `python` */
  template?: string;
  /** Aborts connecting; of no effect afterwards. */
  signal?: AbortSignal;
  /** Milliseconds until there must be a session. @default 30000 */
  connectTimeoutMs?: number;
  /** The server refused something no execution waits for, for example input to one that has ended. */
  onFailure?: (error: ZerobootError) => void;
  /** The session goes on in a fresh virtual machine: nothing of what its programs had made is there any more. */
  onRestart?: (restart: SessionRestart) => void;
}

/** Why a session's virtual machine was replaced, and by which. */
export type SessionRestart = Omit<RestartedFrame, "type">;

/** Options of `session.run`. */
export interface RunOptions {
  /** Text of standard output as it comes; characters are never cut in two. */
  onStdout?: (text: string) => void;
  onStderr?: (text: string) => void;
  /** What the program shows while it runs, as `display()` and figures in Python, in its place among the output. */
  onDisplay?: (bundle: MimeBundle) => void;
  /** Answers `input()`: a line without its end, or undefined for end of file. Opens standard input. */
  onInput?: (request: InputRequest) => string | undefined | Promise<string | undefined>;
  /** The program waits for input; whoever feeds it by `write()` learns that it has read all there was. */
  onInputRequest?: (request: InputRequest) => void;
  /** Running time in milliseconds, after which the cell is interrupted. @default the server's */
  timeoutMs?: number;
  /** Interrupts the cell and rejects the execution with the signal's reason. */
  signal?: AbortSignal;
  /** Environment variables, for this cell alone. */
  env?: Record<string, string>;
  /** The whole of standard input. */
  input?: string | Uint8Array;
  /** `open`: `write()` and `closeStdin()` feed it. @default "closed", at its end from the start */
  stdin?: "closed" | "open";
  /** Displays are also in stdout, in their place: their `text/plain` and the end of a line. @default false */
  displaysInStdout?: boolean;
  /**
   * Kept of each of stdout, stderr and all displays for the result, bytes. With 0 nothing is, and `truncated` says only
   * what the server cut. @default 8388608
   */
  maxOutputBytes?: number;
}

/** What a program asks for. */
export interface InputRequest {
  readonly prompt: string;
  /** Do not show what is typed. */
  readonly password: boolean;
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 30_000;
export const DEFAULT_MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

/** Whether the options leave standard input open after the start. */
export function feedsStdin(options: RunOptions): boolean {
  return options.stdin === "open" || options.onInput !== undefined || options.input !== undefined;
}

/**
 * The frame for a run, checked as the server will check it.
 * @throws InvalidOptionError
 */
export function executeFrameOf(id: string, code: string, options: RunOptions, limits: SessionLimits): ExecuteFrame {
  checkCode(code, limits);
  if (options.timeoutMs !== undefined && options.timeoutMs > limits.maxTimeoutMs) {
    throw new InvalidOptionError(`timeoutMs must be at most ${limits.maxTimeoutMs}`);
  }
  if (options.maxOutputBytes !== undefined && !(options.maxOutputBytes >= 0)) {
    throw new InvalidOptionError("maxOutputBytes must not be negative");
  }
  const parsed = executeFrame.safeParse({
    type: "execute",
    id,
    code,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(feedsStdin(options) ? { stdin: "open" } : {}),
  });
  if (parsed.success) {
    if (encodeFrame(parsed.data).length > limits.maxFrameBytes) {
      throw new InvalidOptionError(`code and env together take more than ${limits.maxFrameBytes} bytes`);
    }
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  throw new InvalidOptionError(`${issue?.path.map(String).join(".")}: ${issue?.message}`);
}
