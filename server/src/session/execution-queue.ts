import { MAX_QUEUED_CODE_BYTES } from "@zeroboot/sdk/protocol";
import type { Execution } from "./execution.js";

export type QueueRefusal = "duplicate_id" | "queue_full";

/** A session's executions that have not ended, in order: the running one and those that wait. Bounded. */
export class ExecutionQueue {
  readonly #maxExecutions: number;
  readonly #waiting: Execution[] = [];
  #waitingBytes = 0;
  #running: Execution | undefined;

  constructor(maxExecutions: number) {
    this.#maxExecutions = maxExecutions;
  }

  get running(): Execution | undefined {
    return this.#running;
  }

  get isEmpty(): boolean {
    return this.#running === undefined && this.#waiting.length === 0;
  }

  /** Why it cannot be taken, or undefined: it waits now. */
  add(execution: Execution): QueueRefusal | undefined {
    if (this.find(execution.id) !== undefined) return "duplicate_id";
    const unended = this.#waiting.length + (this.#running === undefined ? 0 : 1);
    if (unended >= this.#maxExecutions) return "queue_full";
    if (this.#waitingBytes + execution.code.length > MAX_QUEUED_CODE_BYTES) return "queue_full";
    this.#waitingBytes += execution.code.length;
    this.#waiting.push(execution);
    return undefined;
  }

  find(id: string): Execution | undefined {
    if (this.#running?.id === id) return this.#running;
    return this.#waiting.find((execution) => execution.id === id);
  }

  /** Make the one that waits longest the running one. Only when none runs. */
  startNext(): Execution | undefined {
    if (this.#running !== undefined) throw new TypeError("an execution is running");
    const next = this.#waiting.shift();
    if (next !== undefined) this.#waitingBytes -= next.code.length;
    this.#running = next;
    return next;
  }

  finishRunning(): void {
    this.#running = undefined;
  }

  /** Take one out that waits. */
  remove(execution: Execution): void {
    const index = this.#waiting.indexOf(execution);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#waitingBytes -= execution.code.length;
  }

  /** Everything that has not ended, oldest first; the queue is empty then. */
  drain(): Execution[] {
    const all = this.#running === undefined ? this.#waiting.splice(0) : [this.#running, ...this.#waiting.splice(0)];
    this.#running = undefined;
    this.#waitingBytes = 0;
    return all;
  }
}
