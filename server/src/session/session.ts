import {
  type ClientFrame,
  type ExecuteFrame,
  FAILURES,
  type FailureCode,
  INITIAL_CREDIT_BYTES,
  type InterruptFrame,
  MAX_CREDIT_BYTES,
  PROTOCOL_VERSION,
  type StdinFrame,
} from "@zeroboot/sdk/protocol";
import { HostKind, type Template, type Vm, type VmEnd } from "../../../native/engine.js";
import { errorCode } from "../errors.js";
import type { Logger } from "../logger.js";
import { Credit } from "./credit.js";
import { type Ending, Execution, INTERRUPTED, type Input, KILLED } from "./execution.js";
import { ExecutionIds } from "./execution-ids.js";
import { ExecutionQueue } from "./execution-queue.js";
import type { FrameSink } from "./frame-sink.js";
import { identityRecord } from "./identity.js";
import { announcedLimits, type SessionSettings } from "./limits.js";
import { EXECUTE_STDIN_OPEN, type GuestDone, STDIN_EOF } from "./link-abi.js";
import { RecordReader } from "./record-reader.js";
import { GuestViolation, RecordRouter } from "./record-router.js";
import { Timer } from "./timer.js";

/**
 * forking -> ready <-> executing -> closing -> closed; `closing` can follow every one of the
 * others, and `closed` means that the VM has ended.
 */
export type SessionState = "forking" | "ready" | "executing" | "closing" | "closed";

/**
 * For what the engine cannot take at this instant, milliseconds: records, while a cell's unread input
 * fills its queue; an interrupt, until the guest has fetched the cell.
 */
const RETRY_MS = 5;

export interface SessionOptions {
  readonly id: string;
  /** Stays open at least until the session is closed. */
  readonly template: Template;
  readonly templateName: string;
  readonly settings: SessionSettings;
  readonly sink: FrameSink;
  readonly log: Logger;
  /** Exactly once: the VM has ended, nothing of the session is left. */
  onClosed(): void;
}

/**
 * One client's session: owns exactly one fork, from its construction to its end.
 *
 * Whoever made it hands it the client's frames, tells it when the connection can take more, and
 * disposes of it when the client is gone; every other end comes from within. All ends run through
 * {@link dispose}, which is idempotent.
 */
export class Session {
  readonly id: string;
  readonly #options: SessionOptions;
  readonly #settings: SessionSettings;
  readonly #sink: FrameSink;
  readonly #log: Logger;
  readonly #credit = new Credit(INITIAL_CREDIT_BYTES, MAX_CREDIT_BYTES);
  readonly #router: RecordRouter;
  readonly #queue: ExecutionQueue;
  readonly #ids = new ExecutionIds();
  readonly #forkTimer = new Timer(() => this.#forkTimedOut());
  readonly #idleTimer = new Timer(() => this.dispose("idle_timeout"));
  readonly #lifeTimer = new Timer(() => this.dispose("lifetime_exceeded"));
  readonly #cellTimer = new Timer(() => this.#guard(() => this.#cellTimedOut()));
  readonly #graceTimer = new Timer(() => this.dispose("cell_unstoppable"));
  readonly #lastOutputTimer = new Timer(() => this.#finishAfterEnd());
  readonly #handOverTimer = new Timer(() => this.#guard(() => this.#handOver()));
  readonly #interruptTimer = new Timer(() => this.#guard(() => this.#raiseInterrupt()));
  #state: SessionState = "forking";
  #vm: Vm | undefined;
  #reader: RecordReader | undefined;
  #forkTimeUs = 0;
  #executionCount = 0;
  #refusedInARow = 0;
  #pumping = false;
  /** The VM has ended by itself; its last output may still have to be sent. */
  #vmEnd: VmEnd | undefined;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#settings = options.settings;
    this.#sink = options.sink;
    this.#log = options.log;
    this.#router = new RecordRouter(options.sink, this.#credit);
    this.#queue = new ExecutionQueue(options.settings.maxQueuedExecutions);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Begin to fork. Once. */
  start(): void {
    this.#forkTimer.start(this.#settings.forkTimeoutMs);
    this.#lifeTimer.start(this.#settings.lifetimeMs);
    try {
      this.#vm = this.#options.template.fork({
        onReady: ({ forkTimeUs }) => this.#forked(forkTimeUs),
        onOutput: () => this.#pump(),
        onEnd: (end) => this.#ended(end),
      });
    } catch (error) {
      this.#log.error({ code: errorCode(error) }, "fork refused");
      this.dispose("fork_failed");
      this.#closed();
    }
  }

  /** A frame of the client, already checked against its schema. */
  receive(frame: ClientFrame): void {
    if (this.#isOver) return;
    if (this.#state === "forking") return this.refuse("not_ready", frame.type, idOf(frame));
    if (this.#queue.isEmpty) this.#idleTimer.start(this.#settings.idleTimeoutMs);
    this.#guard(() => {
      const refusal = this.#accept(frame);
      if (refusal === undefined) this.#refusedInARow = 0;
      else this.refuse(refusal, frame.type, idOf(frame));
    });
  }

  /** Answer a frame with `failure`; the session goes on, unless the client does nothing else. */
  refuse(code: FailureCode, frame?: string, id?: string, message: string = FAILURES[code].meaning): void {
    if (this.#isOver) return;
    this.#router.send({
      type: "failure",
      code,
      message,
      ...(frame === undefined ? {} : { frame }),
      ...(id === undefined ? {} : { id }),
    });
    if (++this.#refusedInARow > this.#settings.maxRefusedFrames) this.dispose("too_many_failures");
  }

  /** Something broke, on this side or in the guest: that ends this session, and no other. */
  failed(error: unknown): void {
    if (error instanceof GuestViolation) {
      this.#log.warn({ detail: error.message }, "guest broke the link's rules");
      this.dispose("protocol_violation", error.message);
    } else {
      this.#log.error({ err: error }, "session failed");
      this.dispose("internal");
    }
  }

  /** The connection takes frames again. */
  drained(): void {
    this.#router.writable = true;
    this.#pump();
  }

  /**
   * End the session and its VM. Everything not done is answered, the client told why; without a
   * reason it is gone and nothing is sent. Idempotent, at any time.
   */
  dispose(reason?: FailureCode, message?: string): void {
    if (this.#isOver) return;
    this.#state = "closing";
    for (const timer of this.#timers) timer.stop();
    if (reason === undefined) this.#queue.drain();
    else this.#takeLeave(reason, message);
    this.#reader = undefined;
    if (this.#vmEnd === undefined) this.#vm?.close();
    else this.#closed();
  }

  get #isOver(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  get #timers(): readonly Timer[] {
    return [
      this.#forkTimer,
      this.#idleTimer,
      this.#lifeTimer,
      this.#cellTimer,
      this.#graceTimer,
      this.#lastOutputTimer,
      this.#handOverTimer,
      this.#interruptTimer,
    ];
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failed(error);
    }
  }

  // ---- the fork --------------------------------------------------------------------------

  /** The clock in the identity is read when the fork is about to run, however long making it took. */
  #forked(forkTimeUs: number): void {
    if (this.#isOver) return;
    this.#forkTimeUs = forkTimeUs;
    this.#guard(() => this.#send(HostKind.identity, 0, 0, identityRecord()));
  }

  /** The fork is itself: only now may anything of the client reach it. */
  #identified(): void {
    if (this.#state !== "forking") throw new GuestViolation("an identity nobody asked for");
    this.#forkTimer.stop();
    this.#state = "ready";
    // Before the frame, with which a connection found broken ends the session and its timers.
    this.#idleTimer.start(this.#settings.idleTimeoutMs);
    const { templateName, template } = this.#options;
    this.#router.send({
      type: "ready",
      sessionId: this.id,
      vmId: String(this.#vm?.id),
      template: templateName,
      protocol: PROTOCOL_VERSION,
      limits: announcedLimits(this.#settings, template.info.memoryMb),
      forkTimeUs: Math.round(this.#forkTimeUs),
      resumed: false,
    });
  }

  #forkTimedOut(): void {
    this.dispose("identity_refused", `the fork was not ready within ${this.#settings.forkTimeoutMs} ms`);
  }

  /** The VM is gone: at our wish, or by itself, and then what it said before is still to be sent. */
  #ended(end: VmEnd): void {
    if (this.#state === "closing") return this.#closed();
    this.#vmEnd = end;
    this.#log.warn({ reason: end.reason, detail: end.detail }, "VM ended");
    this.#cellTimer.stop();
    this.#graceTimer.stop();
    this.#lastOutputTimer.start(this.#settings.lastOutputTimeoutMs);
    this.#pump();
  }

  #finishAfterEnd(): void {
    const end = this.#vmEnd;
    if (end === undefined) return;
    // The engine ends a VM as `closed` only when asked to, and nobody asked.
    this.dispose(end.reason === "closed" ? "internal" : end.reason, end.detail);
  }

  #closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#options.onClosed();
  }

  #takeLeave(reason: FailureCode, message: string = FAILURES[reason].meaning): void {
    if (this.#queue.running !== undefined && this.#hasUnsentOutput()) this.#queue.running.truncated = true;
    this.#sink.cork(() => {
      for (const execution of this.#queue.drain()) {
        this.#router.send(execution.done(KILLED, this.#executionCount));
      }
      this.#router.send({ type: "closed", reason, message });
    });
    this.#sink.end(reason);
  }

  // ---- frames of the client ---------------------------------------------------------------

  #accept(frame: ClientFrame): FailureCode | undefined {
    switch (frame.type) {
      case "execute":
        return this.#execute(frame);
      case "stdin":
        return this.#stdin(frame);
      case "interrupt":
        return this.#interrupt(frame);
      case "credit":
        this.#credit.grant(frame.bytes);
        this.#pump();
        return undefined;
      case "ping":
        this.#router.send({ type: "pong", nonce: frame.nonce });
        return undefined;
    }
  }

  #execute(frame: ExecuteFrame): FailureCode | undefined {
    if ((frame.timeoutMs ?? 0) > this.#settings.maxTimeoutMs) return "invalid_frame";
    const refusal = this.#queue.add(new Execution(frame, this.#settings.defaultTimeoutMs));
    if (refusal === undefined && this.#state === "ready") this.#startNext();
    return refusal;
  }

  #stdin(frame: StdinFrame): FailureCode | undefined {
    const execution = this.#queue.find(frame.id);
    if (execution === undefined) return "unknown_execution";
    if (!execution.stdinOpen) return "stdin_closed";
    // What is held comes first.
    const isHeld = execution.engineId === 0 || execution.heldInput !== undefined;
    if (!(isHeld ? execution.holdInput(frame) : this.#sendInput(execution, frame))) return "stdin_overflow";
    if (frame.eof === true) execution.closeStdin();
    return undefined;
  }

  #sendInput(execution: Execution, input: Input): boolean {
    return this.#send(HostKind.stdin, input.eof === true ? STDIN_EOF : 0, execution.engineId, input.data);
  }

  #interrupt(frame: InterruptFrame): FailureCode | undefined {
    if (frame.after !== undefined) return "unsupported";
    const execution = frame.id === undefined ? this.#queue.running : this.#queue.find(frame.id);
    if (execution === undefined) return frame.id === undefined ? undefined : "unknown_execution";
    if (execution === this.#queue.running && execution.engineId !== 0) {
      this.#interruptRunning(execution);
    } else if (execution === this.#queue.running) {
      this.#finish(execution, INTERRUPTED);
    } else {
      this.#queue.remove(execution);
      this.#router.send(execution.done(INTERRUPTED, this.#executionCount));
    }
    return undefined;
  }

  // ---- executions -----------------------------------------------------------------------

  #startNext(): void {
    const execution = this.#queue.startNext();
    if (execution === undefined) {
      this.#state = "ready";
      this.#idleTimer.start(this.#settings.idleTimeoutMs);
      return;
    }
    this.#state = "executing";
    this.#idleTimer.stop();
    this.#handOver();
  }

  /** Give the running execution to the VM, and the input that came before its turn; go on later where that is full. */
  #handOver(): void {
    const execution = this.#queue.running;
    if (execution === undefined || this.#isOver || this.#vmEnd !== undefined) return;
    if (execution.engineId === 0 && !this.#handOverCell(execution)) return this.#handOverTimer.start(RETRY_MS);
    const input = execution.heldInput;
    if (input !== undefined) {
      if (!this.#sendInput(execution, input)) return this.#handOverTimer.start(RETRY_MS);
      execution.releaseInput();
    }
    // Output that came while nothing ran was waiting for this.
    this.#pump();
  }

  #handOverCell(execution: Execution): boolean {
    const engineId = this.#ids.next();
    for (const variable of execution.env) {
      if (!this.#send(HostKind.env, 0, engineId, variable)) return false;
    }
    const flags = execution.startsWithStdinOpen ? EXECUTE_STDIN_OPEN : 0;
    if (!this.#send(HostKind.execute, flags, engineId, execution.code)) return false;
    execution.handedOver(engineId, ++this.#executionCount);
    this.#cellTimer.start(execution.timeoutMs);
    this.#router.send({ type: "started", id: execution.id });
    return true;
  }

  #interruptRunning(execution: Execution): void {
    execution.discarding = true;
    this.#raiseInterrupt();
    // What was held for want of credit is thrown away now, so that `done` can come.
    this.#pump();
  }

  /** An interrupt on the heels of its `execute` finds a guest that has not fetched the cell, and must not be lost. */
  #raiseInterrupt(): void {
    const execution = this.#queue.running;
    if (execution === undefined || this.#vmEnd !== undefined) return;
    this.#vm?.discardOutput();
    if (this.#vm?.interrupt(execution.engineId) === false) this.#interruptTimer.start(RETRY_MS);
    // A guest that has fetched the cell and not begun it drops the interrupt: once more, before its VM is ended for it.
    else if (execution.timedOut) this.#interruptTimer.start(this.#settings.interruptGraceMs / 2);
  }

  #cellTimedOut(): void {
    const execution = this.#queue.running;
    if (execution === undefined || this.#isOver) return;
    execution.timedOut = true;
    this.#graceTimer.start(this.#settings.interruptGraceMs);
    this.#interruptRunning(execution);
  }

  #finish(execution: Execution, ending: Ending): void {
    this.#cellTimer.stop();
    this.#graceTimer.stop();
    this.#handOverTimer.stop();
    this.#interruptTimer.stop();
    this.#queue.finishRunning();
    this.#router.send(execution.done(ending, this.#executionCount));
    // The client's connection may have been found broken while sending; a dead VM runs nothing.
    if (!this.#isOver && this.#vmEnd === undefined) this.#startNext();
  }

  #done(done: GuestDone): void {
    const execution = this.#queue.running;
    if (execution === undefined) throw new GuestViolation("done, but nothing runs");
    if (done.truncated) execution.truncated = true;
    if (execution.result.pending || execution.error.pending) throw new GuestViolation("done within a result or error");
    this.#finish(execution, done);
  }

  // ---- records of the guest ----------------------------------------------------------------

  /** Route records until there are none, or one has to wait. */
  #pump(): void {
    if (this.#pumping || this.#isOver) return;
    this.#pumping = true;
    try {
      this.#sink.cork(() => {
        while (!this.#isOver && this.#routeOne());
        this.#router.flush();
      });
    } catch (error) {
      this.failed(error);
    } finally {
      this.#pumping = false;
    }
    if (this.#vmEnd === undefined || this.#isOver) return;
    if (this.#queue.running === undefined || this.#peek() === undefined) this.#finishAfterEnd();
  }

  #routeOne(): boolean {
    const record = this.#peek();
    if (record === undefined || this.#reader === undefined) return false;
    if (!this.#router.writable && this.#queue.running?.discarding !== true) return false;
    const routed = this.#router.route(this.#reader, record, this.#queue.running);
    if (routed === "held") return false;
    if (routed === "identified") this.#identified();
    else if (routed !== "taken") this.#done(routed);
    return true;
  }

  /** The next record; read from the VM only as far as there is credit for it. */
  #peek() {
    const record = this.#reader?.peek();
    if (record !== undefined) return record;
    const batch = this.#vm?.read(Math.max(1, this.#credit.available));
    this.#reader = batch === undefined ? undefined : new RecordReader(batch);
    return this.#reader?.peek();
  }

  #hasUnsentOutput(): boolean {
    try {
      return this.#peek() !== undefined;
    } catch {
      // What cannot even be read is not sent.
      return true;
    }
  }

  /** Queue a record for the guest. False: its queue is full. A VM that has ended says so itself. */
  #send(kind: number, flags: number, engineId: number, payload: Uint8Array): boolean {
    try {
      this.#vm?.send(kind, flags, engineId, payload);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === "vm_closed") return true;
      if (code !== "queue_full") throw error;
      return false;
    }
  }
}

function idOf(frame: ClientFrame): string | undefined {
  return "id" in frame ? frame.id : undefined;
}
