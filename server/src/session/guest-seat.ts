import type { Template, VmEnd } from "../../../native/engine.js";
import { ForkedGuest } from "./forked-guest.js";

/** What a {@link GuestSeat} tells its session, of the guest that has the seat. */
export interface SeatHandlers {
  /** As of {@link ForkedGuest}. */
  onReadable(): void;
  onLate(): void;
  onEnd(end: VmEnd): void;
  onError(error: unknown): void;
  /** The seat was closed and no VM of it is left, those of earlier guests included. Once. */
  onEmpty(): void;
}

/**
 * The place of a session's guest: one guest has it at a time. The VM of one that was replaced ends while
 * the next one is there already, and says so to nobody: a seat waits for it only to be empty.
 */
export class GuestSeat {
  readonly #template: Template;
  readonly #forkTimeoutMs: number;
  readonly #handlers: SeatHandlers;
  /** VMs that have not ended. */
  readonly #alive = new Set<ForkedGuest>();
  #guest: ForkedGuest | undefined;
  #closed = false;

  /** @param forkTimeoutMs for a guest to be ready */
  constructor(template: Template, forkTimeoutMs: number, handlers: SeatHandlers) {
    this.#template = template;
    this.#forkTimeoutMs = forkTimeoutMs;
    this.#handlers = handlers;
  }

  get guest(): ForkedGuest | undefined {
    return this.#guest;
  }

  /** Begin to fork a guest; one that has the seat is ended. @throws EngineError: nobody has it then */
  seat(): void {
    this.#guest?.close();
    this.#guest = undefined;
    const { onReadable, onLate, onEnd, onError } = this.#handlers;
    const guest: ForkedGuest = new ForkedGuest(this.#template, this.#forkTimeoutMs, {
      onReadable,
      onLate,
      onEnd,
      onError,
      onGone: () => {
        this.#alive.delete(guest);
        if (this.#closed && this.#alive.size === 0) this.#handlers.onEmpty();
      },
    });
    this.#guest = guest;
    this.#alive.add(guest);
  }

  /** End the guest; `onEmpty` follows, or comes at once. Once. */
  close(): void {
    this.#closed = true;
    this.#guest?.close();
    if (this.#alive.size === 0) this.#handlers.onEmpty();
  }
}
