import { Timer } from "./timer.js";

/** What can be done to a job that the guest has. */
export interface Measures {
  /**
   * SIGINT.
   * @param again the newest one once more, unless it was seen
   * @returns whether the guest runs the job
   */
  interrupt(again: boolean): boolean;
  /** SIGKILL to all its child processes. @returns as {@link interrupt} */
  killChildren(): boolean;
  /** Nothing has helped: the VM is to be replaced. */
  replace(): void;
}

/** For the guest to fetch a job before it can be interrupted, milliseconds. */
const RETRY_MS = 5;
/**
 * When to repeat an interrupt of which nothing was seen, milliseconds after it: CPython misses a signal that
 * lands between its last look and a long system call. The last distance is kept from then on.
 */
const REPEAT_AFTER_MS = [250, 1000, 3000];
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Ends the job that the guest has, by its timeout or when asked to, with the least that helps:
 *
 *   running -- asked, or out of time --> interrupted -- grace --> killed -- grace --> replaced
 *                                                               (interrupted again after half of it)
 *
 * A timeout always goes on to the end; an interrupt of the client does when it says so.
 */
export class Stopper {
  readonly #measures: Measures;
  readonly #graceMs: number;
  readonly #timer: Timer;
  #applied: "interrupt" | "kill" | undefined;
  #timedOut = false;
  #timeoutAt = NEVER;
  /** The newest interrupt has not reached the guest. */
  #unsent = false;
  #signalAt = NEVER;
  #signalledAt = 0;
  #repeats = 0;
  #killAt = NEVER;
  #replaceAt = NEVER;

  /**
   * @param graceMs for each measure to help before the next
   * @param guard runs what the timer is due for, and takes what that throws
   */
  constructor(measures: Measures, graceMs: number, guard: (work: () => void) => void) {
    this.#measures = measures;
    this.#graceMs = graceMs;
    this.#timer = new Timer(() => guard(() => this.#due()));
  }

  /** The strongest measure that reached the job; undefined: none has. */
  get applied(): "interrupt" | "kill" | undefined {
    return this.#applied;
  }

  /** It is, or was, being stopped because of its timeout. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** The guest has a job, for so long at most. */
  watch(timeoutMs: number): void {
    this.release();
    this.#timeoutAt = performance.now() + timeoutMs;
    this.#schedule();
  }

  /**
   * Interrupt the job, which there is. Once more for one that has dealt with an interrupt and gone on.
   * @param escalate go on to stronger measures; from the first time that is asked for
   */
  interrupt(escalate: boolean): void {
    if (escalate && this.#killAt === NEVER && this.#replaceAt === NEVER) {
      this.#killAt = performance.now() + this.#graceMs;
    }
    this.#unsent = true;
    this.#signal();
    this.#schedule();
  }

  /** The job can no longer be stopped: its VM has ended. What was done to it is still to be told. */
  rest(): void {
    this.#timer.stop();
    this.#unsent = false;
    this.#timeoutAt = this.#signalAt = this.#killAt = this.#replaceAt = NEVER;
  }

  /** There is no job any more. Idempotent. */
  release(): void {
    this.rest();
    this.#applied = undefined;
    this.#timedOut = false;
  }

  #due(): void {
    const now = performance.now();
    if (now >= this.#replaceAt) return this.#measures.replace();
    if (now >= this.#killAt) this.#kill();
    else if (now >= this.#timeoutAt) this.#timeOut();
    else if (now >= this.#signalAt) this.#signal();
    this.#schedule();
  }

  #timeOut(): void {
    this.#timeoutAt = NEVER;
    this.#timedOut = true;
    this.interrupt(true);
  }

  #kill(): void {
    const now = performance.now();
    this.#killAt = NEVER;
    this.#replaceAt = now + this.#graceMs;
    if (this.#measures.killChildren()) this.#applied = "kill";
    // Who was waiting for a child goes on by itself; who starts the next one is interrupted once more.
    this.#unsent = true;
    this.#signalAt = now + this.#graceMs / 2;
  }

  /** Send the interrupt that has not been sent, or the last one again. */
  #signal(): void {
    const now = performance.now();
    if (!this.#unsent) {
      this.#measures.interrupt(true);
      this.#repeats++;
    } else if (this.#measures.interrupt(false)) {
      this.#unsent = false;
      this.#applied ??= "interrupt";
      this.#signalledAt = now;
      this.#repeats = 0;
    } else {
      this.#signalAt = now + RETRY_MS;
      return;
    }
    const after = REPEAT_AFTER_MS[this.#repeats];
    this.#signalAt = after === undefined ? now + (REPEAT_AFTER_MS.at(-1) ?? NEVER) : this.#signalledAt + after;
  }

  #schedule(): void {
    const next = Math.min(this.#timeoutAt, this.#signalAt, this.#killAt, this.#replaceAt);
    if (next === NEVER) this.#timer.stop();
    // Timers may be early by a part of a millisecond.
    else this.#timer.start(Math.max(0, Math.ceil(next - performance.now())));
  }
}
