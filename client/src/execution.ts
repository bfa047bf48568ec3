import type { OutputStream } from "./output.js";
import type { OutputEvent } from "./output-events.js";
import type { ErrorFrame, ExecutionStatus, MimeBundle, StoppedBy } from "./protocol/frames.js";

/** How an execution ended. */
export interface ExecutionResult {
  readonly id: string;
  readonly status: ExecutionStatus;
  /** 0 ok, 1 exception, `sys.exit`'s own, 124 timeout, 130 interrupted, 137 killed. */
  readonly exitCode: number;
  /** Everything written to standard output, up to `maxOutputBytes`: beyond it head and tail, marked as such. */
  readonly stdout: string;
  readonly stderr: string;
  /** Value of the cell's last expression, by MIME type; `text/plain` is always there. */
  readonly result?: MimeBundle;
  /** What it showed while it ran, in order: as many of the first as fit into `maxOutputBytes`. */
  readonly displays: readonly MimeBundle[];
  /** The exception that ended the cell. */
  readonly error?: ExecutionError;
  /** Cells this session has run, this one included. */
  readonly executionCount: number;
  /** Microseconds, measured by the server: waiting for its turn, and running. */
  readonly timings: { readonly queuedUs: number; readonly execUs: number };
  /** Something of output, displays, result or error was cut, by the server or by `maxOutputBytes`. */
  readonly truncated: boolean;
  /** Whether the session's variables, files and processes are still there; false: its virtual machine was replaced or is gone. */
  readonly stateKept: boolean;
  /** What it took to end it; absent: it ended by itself. */
  readonly stoppedBy?: StoppedBy;
}

/** An exception of the guest's program, in its own words. */
export type ExecutionError = Pick<ErrorFrame, "name" | "message" | "traceback">;

/** How far an interrupt may go. */
export interface InterruptOptions {
  /**
   * What to do about a program that does not heed it within `limits.interruptGraceMs`: kill its child processes,
   * and after as long again put the session into a fresh virtual machine. Absent: nothing.
   */
  after?: "kill";
}

/** What an {@link Execution} can do to its session. */
export interface ExecutionControl {
  readonly outcome: Promise<ExecutionResult>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly events: AsyncIterable<OutputEvent>;
  write(data: string | Uint8Array): void;
  drained(): Promise<void>;
  closeStdin(): void;
  interrupt(options?: InterruptOptions): void;
}

/**
 * One run of code: await it for its result, iterate `stdout` and `stderr` for output as it comes.
 *
 * It resolves for every program that ran, whatever its exit code, and rejects when there is no
 * result to have: the server refused it, the session ended, its `signal` was aborted or a
 * callback threw. It settles exactly once. A rejection nobody looks at is not reported.
 */
export class Execution implements Promise<ExecutionResult> {
  readonly [Symbol.toStringTag] = "Execution";
  /** Unique within the session. */
  readonly id: string;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /**
   * Output of both streams and displays, in their order. One iteration, begun in the turn in which `run` was called;
   * output that it has not reached holds the guest back. Ends with the execution, or throws its error.
   */
  readonly events: AsyncIterable<OutputEvent>;
  readonly #control: ExecutionControl;

  /** @internal */
  constructor(id: string, control: ExecutionControl) {
    this.id = id;
    this.stdout = control.stdout;
    this.stderr = control.stderr;
    this.events = control.events;
    this.#control = control;
  }

  /**
   * Bytes, or text as UTF-8, for the program's standard input. Returns at once; what the server has no room for
   * is kept here and sent when the program has read. A no-op once it has ended.
   * @throws InvalidOptionError unless run with `stdin: "open"` or `onInput`, or after `closeStdin()`
   * @throws ZerobootError `send_queue_full`: 16 MiB are unread
   */
  write(data: string | Uint8Array): void {
    this.#control.write(data);
  }

  /** Resolves when the server has taken all that was written, or the execution has ended: the time to write more. */
  drained(): Promise<void> {
    return this.#control.drained();
  }

  /** End of standard input. Idempotent. */
  closeStdin(): void {
    this.#control.closeStdin();
  }

  /**
   * SIGINT: in Python `KeyboardInterrupt`. The session's state is kept, unless `after` says that it need not be.
   * A no-op once the execution has ended.
   */
  interrupt(options: InterruptOptions = {}): void {
    this.#control.interrupt(options);
  }

  // biome-ignore lint/suspicious/noThenProperty: an execution is awaited for its result.
  then<A = ExecutionResult, B = never>(
    onResult?: ((result: ExecutionResult) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#control.outcome.then(onResult, onError);
  }

  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<ExecutionResult | B> {
    return this.#control.outcome.catch(onError);
  }

  finally(onSettled?: (() => void) | null): Promise<ExecutionResult> {
    return this.#control.outcome.finally(onSettled);
  }
}
