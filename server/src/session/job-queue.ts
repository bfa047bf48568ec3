import { MAX_QUEUED_CODE_BYTES } from "@zeroboot/sdk/protocol";
import type { Job } from "./job.js";

export type QueueRefusal = "duplicate_id" | "queue_full";

/** A session's cells and questions that have not ended, in order: the running one and those that wait. Bounded. */
export class JobQueue {
  readonly #maxJobs: number;
  readonly #waiting: Job[] = [];
  #waitingBytes = 0;
  #running: Job | undefined;

  constructor(maxJobs: number) {
    this.#maxJobs = maxJobs;
  }

  get running(): Job | undefined {
    return this.#running;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get isEmpty(): boolean {
    return this.#running === undefined && this.#waiting.length === 0;
  }

  /** Why it cannot be taken, or undefined: it waits now. */
  add(job: Job): QueueRefusal | undefined {
    if (this.find(job.id) !== undefined) return "duplicate_id";
    const unended = this.#waiting.length + (this.#running === undefined ? 0 : 1);
    if (unended >= this.#maxJobs) return "queue_full";
    if (this.#waitingBytes + job.code.length > MAX_QUEUED_CODE_BYTES) return "queue_full";
    this.#waitingBytes += job.code.length;
    this.#waiting.push(job);
    return undefined;
  }

  find(id: string): Job | undefined {
    if (this.#running?.id === id) return this.#running;
    return this.#waiting.find((job) => job.id === id);
  }

  /** Make the one that waits longest the running one. Only when none runs. */
  startNext(): Job | undefined {
    if (this.#running !== undefined) throw new TypeError("a job is running");
    const next = this.#waiting.shift();
    if (next !== undefined) this.#waitingBytes -= next.code.length;
    this.#running = next;
    return next;
  }

  finishRunning(): void {
    this.#running = undefined;
  }

  /** Take one out that waits. */
  remove(job: Job): void {
    const index = this.#waiting.indexOf(job);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#waitingBytes -= job.code.length;
  }

  /** Everything that has not ended, oldest first; the queue is empty then. */
  drain(): Job[] {
    const all = this.#running === undefined ? this.#waiting.splice(0) : [this.#running, ...this.#waiting.splice(0)];
    this.#running = undefined;
    this.#waitingBytes = 0;
    return all;
  }
}
