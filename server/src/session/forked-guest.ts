import { HostKind, type Template, type Vm, type VmEnd } from "../../../native/engine.js";
import { errorCode } from "../errors.js";
import { identityRecord } from "./identity.js";
import { type GuestRecord, RecordReader } from "./record-reader.js";
import { GuestViolation } from "./record-router.js";
import { SetAside } from "./set-aside.js";
import { Timer } from "./timer.js";

/** What a {@link ForkedGuest} tells its owner; after `close()` only `onGone`. */
export interface GuestHandlers {
  /** There are records to read. */
  onReadable(): void;
  /** It was not ready, identity and all, in time. */
  onLate(): void;
  /** It ended by itself; what it said before can still be read. */
  onEnd(end: VmEnd): void;
  /** Its VM has ended, by whomever. Exactly once, and the last call. */
  onGone(): void;
  /** Something broke on this side. */
  onError(error: unknown): void;
}

/**
 * One fork and the guest in it, from its making to its end: forked, then given its identity, and ready
 * once it has taken that. A session has one at a time, and another when that one is beyond help.
 */
export class ForkedGuest {
  readonly #vm: Vm;
  readonly #handlers: GuestHandlers;
  readonly #lateTimer: Timer;
  readonly #aside = new SetAside();
  #reader: RecordReader | undefined;
  #forkTimeUs = 0;
  #ready = false;
  #closed = false;

  /**
   * Begins to fork.
   * @param timeoutMs until it must be ready
   * @throws EngineError
   */
  constructor(template: Template, timeoutMs: number, handlers: GuestHandlers) {
    this.#handlers = handlers;
    this.#lateTimer = new Timer(() => handlers.onLate());
    this.#vm = template.fork({
      onReady: ({ forkTimeUs }) => this.#forked(forkTimeUs),
      onOutput: () => {
        if (!this.#closed) handlers.onReadable();
      },
      onEnd: (end) => this.#ended(end),
    });
    this.#lateTimer.start(timeoutMs);
  }

  get vmId(): string {
    return String(this.#vm.id);
  }

  /** Microseconds, whole. */
  get forkTimeUs(): number {
    return Math.round(this.#forkTimeUs);
  }

  /** It is itself: only now may anything of a client reach it. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** It has answered its identity. @throws GuestViolation */
  identified(): void {
    if (this.#ready) throw new GuestViolation("an identity nobody asked for");
    this.#ready = true;
    this.#lateTimer.stop();
  }

  /**
   * The reader of the next record, if there is one.
   * @param maxBytes to read of what the VM has, if nothing is left of what was read before
   * @param forCell a cell runs, which gets what was set aside first
   */
  records(maxBytes: number, forCell: boolean): RecordReader | undefined {
    const aside = forCell ? this.#aside.reader() : undefined;
    if (aside !== undefined) return aside;
    if (this.#reader?.atEnd === false) return this.#reader;
    const batch = this.#vm.read(Math.max(1, maxBytes));
    this.#reader = batch === undefined ? undefined : new RecordReader(batch);
    return this.#reader;
  }

  /** Keep an output record, which is no cell's, for the next cell. */
  setAside(record: GuestRecord): void {
    this.#aside.add(record);
  }

  /** Something was dropped that was for the next cell. */
  noteLoss(): void {
    this.#aside.noteLoss();
  }

  /** Whether more was set aside than is kept; asked once. */
  takeLoss(): boolean {
    return this.#aside.takeLoss();
  }

  /** Queue a record for the guest. False: its queue is full. A VM that has ended says so itself. */
  send(kind: number, flags: number, engineId: number, payload: Uint8Array): boolean {
    try {
      this.#vm.send(kind, flags, engineId, payload);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === "vm_closed") return true;
      if (code !== "queue_full") throw error;
      return false;
    }
  }

  /** SIGINT, and no waiting for room in the output until the job ends. As {@link Vm.interrupt}. */
  interrupt(engineId: number, again: boolean): boolean {
    this.#vm.discardOutput();
    return this.#vm.interrupt(engineId, again);
  }

  /** As {@link Vm.killChildren}. */
  killChildren(engineId: number): boolean {
    return this.#vm.killChildren(engineId);
  }

  /** End it. Idempotent; `onGone` follows, unless it came before. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lateTimer.stop();
    this.#reader = undefined;
    this.#vm.close();
  }

  /** The clock in the identity is read when the fork is about to run, however long making it took. */
  #forked(forkTimeUs: number): void {
    if (this.#closed) return;
    this.#forkTimeUs = forkTimeUs;
    try {
      this.send(HostKind.identity, 0, 0, identityRecord());
    } catch (error) {
      this.#handlers.onError(error);
    }
  }

  #ended(end: VmEnd): void {
    this.#lateTimer.stop();
    if (!this.#closed) this.#handlers.onEnd(end);
    this.#handlers.onGone();
  }
}
