import { HostKind } from "../../../native/engine.js";
import { Execution, type Input } from "./execution.js";
import { ExecutionIds } from "./execution-ids.js";
import type { ForkedGuest } from "./forked-guest.js";
import type { Job } from "./job.js";
import { STDIN_EOF } from "./link-abi.js";
import { Timer } from "./timer.js";

/** Until a full queue of the engine is tried again, milliseconds; twice as long each time. */
const FIRST_RETRY_MS = 5;
const LONGEST_RETRY_MS = 100;

/** Gives the guest one job after the other, and its input, as fast as the engine's queue takes them. */
export class HandOver {
  readonly #ids = new ExecutionIds();
  readonly #onTaken: (job: Job) => void;
  readonly #timer: Timer;
  #guest: ForkedGuest | undefined;
  #job: Job | undefined;
  #retryMs = FIRST_RETRY_MS;

  /**
   * @param onTaken the guest has the job; its input may still be on the way
   * @param guard runs what is tried again, and takes what that throws
   */
  constructor(onTaken: (job: Job) => void, guard: (work: () => void) => void) {
    this.#onTaken = onTaken;
    this.#timer = new Timer(() => guard(() => this.#advance()));
  }

  /** Give this job to that guest, and then what is held of its input. */
  begin(guest: ForkedGuest, job: Job): void {
    this.#guest = guest;
    this.#job = job;
    this.#retryMs = FIRST_RETRY_MS;
    this.#advance();
  }

  /** Input of any execution that has not ended: passed on, or held for its turn. False: that is too much. */
  input(execution: Execution, input: Input): boolean {
    // What is held comes first.
    const waits = execution !== this.#job || execution.engineId === 0 || execution.heldInput !== undefined;
    if (!waits && this.#sendInput(execution, input)) return true;
    if (!execution.holdInput(input)) return false;
    if (!waits) this.#retry();
    return true;
  }

  /** The job has ended, or its guest has. Idempotent. */
  stop(): void {
    this.#timer.stop();
    this.#guest = undefined;
    this.#job = undefined;
  }

  #advance(): void {
    const job = this.#job;
    if (job === undefined) return;
    if (job.engineId === 0) {
      if (!this.#sendJob(job)) return this.#retry();
      this.#retryMs = FIRST_RETRY_MS;
      this.#onTaken(job);
      // Telling so may have found the connection broken, and ended the session.
      if (this.#job !== job) return;
    }
    const input = job instanceof Execution ? job.heldInput : undefined;
    if (input === undefined || !(job instanceof Execution)) return;
    if (!this.#sendInput(job, input)) return this.#retry();
    job.releaseInput();
    this.#retryMs = FIRST_RETRY_MS;
  }

  #retry(): void {
    this.#timer.start(this.#retryMs);
    this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
  }

  #sendJob(job: Job): boolean {
    const engineId = this.#ids.next();
    for (const variable of job.env) {
      if (!this.#send(HostKind.env, 0, engineId, variable)) return false;
    }
    if (!this.#send(HostKind.execute, job.executeFlags, engineId, job.code)) return false;
    job.engineId = engineId;
    return true;
  }

  #sendInput(execution: Execution, input: Input): boolean {
    return this.#send(HostKind.stdin, input.eof === true ? STDIN_EOF : 0, execution.engineId, input.data);
  }

  #send(kind: number, flags: number, engineId: number, payload: Uint8Array): boolean {
    return this.#guest?.send(kind, flags, engineId, payload) ?? false;
  }
}
