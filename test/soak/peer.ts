import type { OutputRecord } from "./output-record.js";

/** How a cell ended, whichever client saw it. */
export interface Outcome {
  readonly status: string;
  readonly exitCode: number;
  /** `text/plain` of the cell's value. */
  readonly result: string | undefined;
  readonly error: { readonly name: string; readonly message: string } | undefined;
  readonly executionCount: number;
  readonly truncated: boolean;
  readonly stateKept: boolean;
  readonly stoppedBy: string | undefined;
  /** Prompts of the input it asked for, in order. */
  readonly prompts: readonly string[];
}

export interface CellOptions {
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines for the input it asks for, in order; after the last one comes end of file. */
  readonly answers?: readonly string[];
  /** `open`: for `write` and `closeInput`. */
  readonly stdin?: "open";
  /** How its output is taken: at once, a piece now and then, or not at all until `readOn`. */
  readonly reader?: "eager" | "slow" | "stalled";
}

/** One cell on its way. */
export interface Cell {
  readonly output: OutputRecord;
  /** Rejects with a {@link SessionEnded} when the session ends without its `done`. */
  readonly outcome: Promise<Outcome>;
  interrupt(after?: "kill"): void;
  write(text: string): void;
  closeInput(): void;
  /** A stalled reader reads again. */
  readOn(): void;
}

export interface Completion {
  readonly matches: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** A client in a session: the SDK, or one that shares no code with it. */
export interface Peer {
  readonly kind: "sdk" | "raw";
  readonly sessionId: string;
  readonly interruptGraceMs: number;
  /** Restarts of the session's runtime that were announced. */
  readonly restarts: number;
  /** With the failure's code, when the session has ended; never rejects. */
  readonly ended: Promise<string>;
  run(code: string, options?: CellOptions): Cell;
  complete(code: string, cursor: number): Promise<Completion>;
  check(code: string): Promise<{ readonly status: string; readonly indent: string }>;
  ping(): Promise<void>;
  /** Take leave as one should. */
  close(): Promise<void>;
  /** Be gone without a word, where this client can. */
  cut(): Promise<void>;
}

/** The session is over; nothing wrong was seen. */
export class SessionEnded extends Error {
  override readonly name = "SessionEnded";
  readonly code: string;

  constructor(code: string) {
    super(`the session ended: ${code}`);
    this.code = code;
  }
}
