import { ExecutionRefusedError, InvalidOptionError, ZerobootError } from "./errors.js";
import type { ExecutionControl, ExecutionError, ExecutionResult, InterruptOptions } from "./execution.js";
import { KeptDisplays } from "./kept-displays.js";
import { DEFAULT_MAX_OUTPUT_BYTES, feedsStdin, type RunOptions } from "./options.js";
import { OutputBuffer } from "./output.js";
import { OutputEvents } from "./output-events.js";
import { creditCost } from "./protocol/credit.js";
import type {
  DisplayFrame,
  DoneFrame,
  FailureFrame,
  InputRequestFrame,
  MimeBundle,
  ServerFrame,
  StderrFrame,
  StdoutFrame,
} from "./protocol/frames.js";
import { type StdinHost, StdinWriter } from "./stdin-writer.js";

/** What a running execution needs of its session. Sending is a no-op when that has ended. */
export interface ExecutionHost extends StdinHost {
  /** Output was consumed: credit may be returned. */
  consumed(bytes: number): void;
}

/**
 * One execution from `execute` to `done`, on the receiving side.
 *
 * It may settle before the server is done with it (`fail`: abort, a callback that threw); what
 * still comes is then counted as consumed and dropped.
 */
export class RunningExecution implements ExecutionControl {
  readonly outcome: Promise<ExecutionResult>;
  readonly #id: string;
  readonly #host: ExecutionHost;
  readonly #options: RunOptions;
  readonly #out: OutputBuffer;
  readonly #err: OutputBuffer;
  readonly #displays: KeptDisplays;
  readonly #events: OutputEvents;
  readonly #stdin: StdinWriter;
  #stdinOpen: boolean;
  #settled = false;
  #resolve!: (result: ExecutionResult) => void;
  #reject!: (error: unknown) => void;
  #result: MimeBundle | undefined;
  #error: ExecutionError | undefined;
  readonly #onAbort = () => this.#giveUp(this.#options.signal?.reason);

  constructor(id: string, host: ExecutionHost, options: RunOptions) {
    this.#id = id;
    this.#host = host;
    this.#options = options;
    this.#stdinOpen = feedsStdin(options);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Executions may be started and left alone; whoever awaits one sees its error all the same.
    this.outcome.catch(() => {});
    this.#stdin = new StdinWriter(id, host, (error) => this.#giveUp(error));
    const consumed = (bytes: number) => host.consumed(bytes);
    const keep = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
    this.#out = new OutputBuffer({ consumed, text: (text) => this.#call(() => options.onStdout?.(text)) }, keep);
    this.#displays = new KeptDisplays(keep);
    this.#events = new OutputEvents(consumed);
    this.#err = new OutputBuffer({ consumed, text: (text) => this.#call(() => options.onStderr?.(text)) }, keep);
  }

  get stdout() {
    return this.#out.stream;
  }

  get stderr() {
    return this.#err.stream;
  }

  get events() {
    return this.#events;
  }

  /** Its `execute` is on the way: what accompanies it follows. */
  sent(): void {
    this.#options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    const { input, stdin, onInput } = this.#options;
    if (input === undefined) return;
    this.#stdin.writeAll(bytesOf(input));
    if (stdin !== "open" && onInput === undefined) this.closeStdin();
  }

  write(data: string | Uint8Array): void {
    if (this.#settled) return;
    if (!this.#stdinOpen) throw new InvalidOptionError('standard input is closed; run with stdin: "open"');
    this.#stdin.write(bytesOf(data));
  }

  drained(): Promise<void> {
    return this.#stdin.drained();
  }

  closeStdin(): void {
    if (this.#settled || !this.#stdinOpen) return;
    this.#stdinOpen = false;
    this.#stdin.close();
  }

  interrupt({ after }: InterruptOptions = {}): void {
    if (this.#settled) return;
    this.#host.send({ type: "interrupt", id: this.#id, ...(after === undefined ? {} : { after }) });
  }

  /** The server did not take some of its input. */
  inputRefused(frame: FailureFrame): void {
    if (frame.code === "stdin_overflow" && this.#stdin.refused()) return;
    this.#giveUp(new ZerobootError(frame.code, `standard input was not taken: ${frame.message}`));
  }

  /** A frame of this execution. Its cost in credit is for the caller, but for stdout, stderr and displays. */
  receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "stdout":
        return this.#out.push(frame.data, this.#held(frame));
      case "stderr":
        return this.#err.push(frame.data, this.#held(frame));
      case "result":
        this.#result = frame.bundle;
        return;
      case "display":
        return this.#display(frame);
      case "error":
        this.#error = { name: frame.name, message: frame.message, traceback: frame.traceback };
        return;
      case "inputRequest":
        return this.#answer(frame);
      case "done":
        return this.#done(frame);
      case "failure":
        return this.#refused(frame);
      default:
        return;
    }
  }

  /** There will be no result. Idempotent. */
  fail(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#out.end(error);
    this.#err.end(error);
    this.#events.end(error);
    this.#reject(error);
  }

  get #wasCutHere(): boolean {
    return this.#out.truncated || this.#err.truncated || this.#displays.truncated;
  }

  /** What is left of a frame's cost when whoever iterates the events has taken it over. */
  #held(frame: StdoutFrame | StderrFrame | DisplayFrame): number {
    if (!this.#events.attached || this.#settled) return creditCost(frame);
    this.#events.push(frame);
    return 0;
  }

  #display(frame: DisplayFrame): void {
    const { displaysInStdout, onDisplay } = this.#options;
    if (!this.#settled) this.#displays.add(frame.bundle, creditCost(frame));
    const cost = this.#held(frame);
    if (displaysInStdout === true) this.#out.push(bytesOf(`${frame.bundle["text/plain"]}\n`), cost);
    else this.#host.consumed(cost);
    this.#call(() => onDisplay?.(frame.bundle));
  }

  #settle(): void {
    this.#settled = true;
    this.#stdin.end();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }

  #refused(frame: FailureFrame): void {
    this.fail(new ExecutionRefusedError(frame.code, frame.message));
  }

  #done(frame: DoneFrame): void {
    // Ending the streams tells the callbacks the last of the text; they may still fail the execution.
    this.#out.end();
    this.#err.end();
    this.#events.end();
    if (this.#settled) return;
    this.#settle();
    this.#resolve({
      id: this.#id,
      status: frame.status,
      exitCode: frame.exitCode,
      stdout: this.#out.text(),
      stderr: this.#err.text(),
      ...(this.#result === undefined ? {} : { result: this.#result }),
      displays: this.#displays.bundles,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      executionCount: frame.executionCount,
      timings: frame.timings,
      truncated: frame.truncated || (this.#options.maxOutputBytes !== 0 && this.#wasCutHere),
      stateKept: frame.stateKept,
      ...(frame.stoppedBy === undefined ? {} : { stoppedBy: frame.stoppedBy }),
    });
  }

  /** Nobody waits any more: stop the cell, too. */
  #giveUp(error: unknown): void {
    if (this.#settled) return;
    try {
      this.interrupt();
    } catch (failure) {
      return this.fail(failure);
    }
    this.fail(error);
  }

  /** Call the program's code; what it throws is the execution's end. */
  #call(work: () => void): void {
    if (this.#settled) return;
    try {
      work();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #answer(frame: InputRequestFrame): void {
    const { onInput, onInputRequest } = this.#options;
    const request = { prompt: frame.prompt, password: frame.password };
    this.#call(() => onInputRequest?.(request));
    if (onInput === undefined || this.#settled) return;
    Promise.resolve()
      .then(() => (this.#settled ? undefined : onInput(request)))
      .then((line) => {
        if (this.#settled) return;
        if (line === undefined) this.closeStdin();
        else this.write(`${line}\n`);
      })
      .catch((error: unknown) => this.#giveUp(error));
  }
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
