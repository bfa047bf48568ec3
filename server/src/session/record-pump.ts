import type { Credit } from "./credit.js";
import { Execution } from "./execution.js";
import type { ForkedGuest } from "./forked-guest.js";
import type { FrameSink } from "./frame-sink.js";
import type { Job } from "./job.js";
import type { GuestDone } from "./link-abi.js";
import type { RecordReader } from "./record-reader.js";
import type { RecordRouter } from "./record-router.js";

/** The session, as its pump sees it: who is there at the moment, and what to tell it. */
export interface PumpOwner {
  /** Nothing is to be routed any more. */
  readonly isOver: boolean;
  readonly guest: ForkedGuest | undefined;
  readonly running: Job | undefined;
  onIdentified(guest: ForkedGuest): void;
  onDone(done: GuestDone): void;
  /** The session has written all it may. */
  onExhausted(): void;
  onError(error: unknown): void;
}

/** Moves the guest's records to the router, as long as there are some and none has to wait. */
export class RecordPump {
  readonly #owner: PumpOwner;
  readonly #router: RecordRouter;
  readonly #credit: Credit;
  readonly #sink: FrameSink;
  #pumping = false;

  constructor(owner: PumpOwner, router: RecordRouter, credit: Credit, sink: FrameSink) {
    this.#owner = owner;
    this.#router = router;
    this.#credit = credit;
    this.#sink = sink;
  }

  /** Whether the guest has said something that is not routed, or cannot even be read. */
  get hasMore(): boolean {
    try {
      return this.#records() !== undefined;
    } catch {
      return true;
    }
  }

  /** Route what can be routed. Within itself it does nothing: the one outside goes on. */
  pump(): void {
    if (this.#pumping || this.#owner.isOver) return;
    this.#pumping = true;
    try {
      this.#sink.cork(() => {
        while (!this.#owner.isOver && this.#routeOne());
        this.#router.flush();
      });
    } catch (error) {
      this.#owner.onError(error);
    } finally {
      this.#pumping = false;
    }
  }

  #routeOne(): boolean {
    const { guest, running } = this.#owner;
    if (guest === undefined) return false;
    if (!this.#router.writable && running?.discarding !== true) return false;
    const reader = this.#records();
    const record = reader?.peek();
    if (reader === undefined || record === undefined) return false;
    const routed = this.#router.route(reader, record, running);
    if (routed === "held") return false;
    if (routed === "aside") guest.setAside(record);
    else if (routed === "lost") guest.noteLoss();
    else if (routed === "exhausted") this.#owner.onExhausted();
    else if (routed === "identified") this.#owner.onIdentified(guest);
    else if (routed !== "taken") this.#owner.onDone(routed);
    return true;
  }

  /** The reader of the next record; read from the VM only as far as there is credit for it. */
  #records(): RecordReader | undefined {
    const { guest, running } = this.#owner;
    if (guest === undefined) return undefined;
    const isCell = running instanceof Execution;
    if (isCell && guest.takeLoss()) running.truncated = true;
    return guest.records(this.#credit.available, isCell);
  }
}
