import {
  type DoneFrame,
  type ExecuteFrame,
  MAX_BUNDLE_BYTES,
  MAX_QUEUED_STDIN_BYTES,
  type StdinFrame,
} from "@zeroboot/sdk/protocol";
import { ByteBuffer } from "./byte-buffer.js";
import { Job } from "./job.js";
import type { SessionSettings } from "./limits.js";
import { EXECUTE_STDIN_OPEN, MIME_TYPES } from "./link-abi.js";
import { OutputCap } from "./output-cap.js";
import { PartAssembler } from "./part-assembler.js";
import { Stopwatch } from "./timings.js";

/** How an execution ends, as far as its end is not measured. */
export type Ending = Pick<DoneFrame, "status" | "exitCode">;

export const KILLED: Ending = { status: "killed", exitCode: 137 };
export const TIMED_OUT: Ending = { status: "timeout", exitCode: 124 };
export const INTERRUPTED: Ending = { status: "interrupted", exitCode: 130 };

/** What is said of an end beside how the execution ended. */
export interface Circumstances {
  /** Of the session, for an execution that never ran. */
  readonly executionCount: number;
  readonly stateKept: boolean;
  /** Undefined: it ended by itself. */
  readonly stoppedBy?: DoneFrame["stoppedBy"] | undefined;
}

/** Standard input on its way to the guest. */
export type Input = Pick<StdinFrame, "data" | "eof">;

/** One `execute`, from its acceptance to its `done`. */
export class Execution extends Job {
  readonly executeFlags: number;
  readonly env: readonly Uint8Array[];
  readonly timeoutMs: number;
  readonly output: OutputCap;
  readonly display = new PartAssembler(MIME_TYPES.length, MAX_BUNDLE_BYTES);
  /** Position among the session's executions, from 1; 0 before it runs. */
  executionCount = 0;
  readonly #stopwatch = new Stopwatch();
  #stdinOpen: boolean;
  readonly #heldInput = new ByteBuffer();
  #holdsInput = false;
  #heldEof = false;

  constructor(frame: ExecuteFrame, settings: Pick<SessionSettings, "defaultTimeoutMs" | "maxOutputBytes">) {
    super(frame.id, Buffer.from(frame.code, "utf8"));
    this.env = Object.entries(frame.env ?? {}).map(([name, value]) => Buffer.from(`${name}=${value}`, "utf8"));
    this.timeoutMs = frame.timeoutMs ?? settings.defaultTimeoutMs;
    this.output = new OutputCap(settings.maxOutputBytes);
    this.#stdinOpen = frame.stdin === "open";
    this.executeFlags = this.#stdinOpen ? EXECUTE_STDIN_OPEN : 0;
  }

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
  started(executionCount: number): void {
    this.executionCount = executionCount;
    this.#stopwatch.handed();
  }

  done({ status, exitCode }: Ending, { executionCount, stateKept, stoppedBy }: Circumstances): DoneFrame {
    return {
      type: "done",
      id: this.id,
      status,
      exitCode,
      executionCount: this.executionCount || executionCount,
      timings: this.#stopwatch.read(),
      truncated: this.truncated,
      stateKept,
      ...(stoppedBy === undefined ? {} : { stoppedBy }),
    };
  }
}
