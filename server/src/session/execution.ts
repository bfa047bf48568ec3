import {
  type DoneFrame,
  type ExecuteFrame,
  MAX_ERROR_BYTES,
  MAX_QUEUED_STDIN_BYTES,
  MAX_RESULT_BYTES,
  type StdinFrame,
} from "@zeroboot/sdk/protocol";
import { ByteBuffer } from "./byte-buffer.js";
import { ERROR_PARTS, MIME_TYPES } from "./link-abi.js";
import { PartAssembler } from "./part-assembler.js";
import { Stopwatch } from "./timings.js";

/** How an execution ends, as far as its end is not measured. */
export type Ending = Pick<DoneFrame, "status" | "exitCode">;

export const KILLED: Ending = { status: "killed", exitCode: 137 };
export const TIMED_OUT: Ending = { status: "timeout", exitCode: 124 };
export const INTERRUPTED: Ending = { status: "interrupted", exitCode: 130 };

/** Standard input on its way to the guest. */
export type Input = Pick<StdinFrame, "data" | "eof">;

/** One `execute`, from its acceptance to its `done`. */
export class Execution {
  readonly id: string;
  readonly code: Uint8Array;
  /** `NAME=VALUE` each. */
  readonly env: readonly Uint8Array[];
  readonly timeoutMs: number;
  readonly result = new PartAssembler(MIME_TYPES.length, MAX_RESULT_BYTES);
  readonly error = new PartAssembler(ERROR_PARTS, MAX_ERROR_BYTES);
  /** The engine's name for it while it runs; 0 before. */
  engineId = 0;
  /** Position among the session's executions, from 1; 0 before it runs. */
  executionCount = 0;
  truncated = false;
  /** Output that cannot be sent at once is thrown away: it was interrupted or ran out of time. */
  discarding = false;
  timedOut = false;
  readonly #stopwatch = new Stopwatch();
  #stdinOpen: boolean;
  readonly #heldInput = new ByteBuffer();
  #holdsInput = false;
  #heldEof = false;

  constructor(frame: ExecuteFrame, defaultTimeoutMs: number) {
    this.id = frame.id;
    this.code = Buffer.from(frame.code, "utf8");
    this.env = Object.entries(frame.env ?? {}).map(([name, value]) => Buffer.from(`${name}=${value}`, "utf8"));
    this.timeoutMs = frame.timeoutMs ?? defaultTimeoutMs;
    this.startsWithStdinOpen = frame.stdin === "open";
    this.#stdinOpen = this.startsWithStdinOpen;
  }

  readonly startsWithStdinOpen: boolean;

  get stdinOpen(): boolean {
    return this.#stdinOpen;
  }

  closeStdin(): void {
    this.#stdinOpen = false;
  }

  /** Keep input that cannot be passed on yet. Answers false when that is too much. */
  holdInput(input: Input): boolean {
    if (this.#heldInput.length + input.data.length > MAX_QUEUED_STDIN_BYTES) return false;
    this.#heldInput.add(input.data);
    this.#heldEof ||= input.eof === true;
    this.#holdsInput = true;
    return true;
  }

  /** Everything held, as one piece; undefined if there is nothing. */
  get heldInput(): Input | undefined {
    return this.#holdsInput ? { data: this.#heldInput.bytes, eof: this.#heldEof } : undefined;
  }

  /** It was passed on. */
  releaseInput(): void {
    this.#heldInput.clear();
    this.#holdsInput = false;
  }

  /** It is in the VM's hands. */
  handedOver(engineId: number, executionCount: number): void {
    this.engineId = engineId;
    this.executionCount = executionCount;
    this.#stopwatch.handed();
  }

  /** @param executionCount of the session, for an execution that never ran */
  done(ending: Ending, executionCount: number): DoneFrame {
    const { status, exitCode } = this.timedOut ? TIMED_OUT : ending;
    return {
      type: "done",
      id: this.id,
      status,
      exitCode,
      executionCount: this.executionCount || executionCount,
      timings: this.#stopwatch.read(),
      truncated: this.truncated,
    };
  }
}
