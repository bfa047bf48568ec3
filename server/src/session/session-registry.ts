import type { FailureCode } from "@zeroboot/sdk/protocol";
import type { Session } from "./session.js";

/** The sessions there are, from their making to the end of their VM. Their number is bounded. */
export class SessionRegistry {
  readonly #maxSessions: number;
  readonly #sessions = new Map<string, Session>();
  #onEmpty: (() => void) | undefined;

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get isFull(): boolean {
    return this.#sessions.size >= this.#maxSessions;
  }

  add(session: Session): void {
    this.#sessions.set(session.id, session);
  }

  remove(id: string): void {
    this.#sessions.delete(id);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  /** End all; resolves when the last VM has ended. Once. */
  disposeAll(reason: FailureCode): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const session of [...this.#sessions.values()]) session.dispose(reason);
    return this.#sessions.size === 0 ? Promise.resolve() : emptied;
  }
}
