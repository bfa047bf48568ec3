import {
  type ClientFrame,
  type ExecuteFrame,
  FAILURES,
  type FailureCode,
  INITIAL_CREDIT_BYTES,
  type InterruptFrame,
  MAX_CREDIT_BYTES,
  PROTOCOL_VERSION,
  type RestartedFrame,
  type ServerFrame,
  type StdinFrame,
  type StoppedBy,
} from "@zeroboot/sdk/protocol";
import type { Template, VmEnd } from "../../../native/engine.js";
import { errorCode } from "../errors.js";
import type { Logger } from "../logger.js";
import { Credit } from "./credit.js";
import { endOf, endsWithVm, failureFrame } from "./endings.js";
import { type Circumstances, type Ending, Execution, INTERRUPTED, KILLED, TIMED_OUT } from "./execution.js";
import type { ForkedGuest } from "./forked-guest.js";
import type { FrameSink } from "./frame-sink.js";
import { GuestSeat } from "./guest-seat.js";
import { HandOver } from "./hand-over.js";
import type { Job } from "./job.js";
import { JobQueue } from "./job-queue.js";
import { announcedLimits, type SessionSettings } from "./limits.js";
import type { GuestDone } from "./link-abi.js";
import { Question } from "./question.js";
import { type PumpOwner, RecordPump } from "./record-pump.js";
import { GuestViolation, RecordRouter } from "./record-router.js";
import { type Measures, Stopper } from "./stopper.js";
import { Timer } from "./timer.js";

/**
 * forking -> ready <-> executing -> restarting -> ready: the guest was beyond help and is replaced by a
 * fresh fork. `closing` can follow every one of these, and `closed` means that every VM has ended.
 */
export type SessionState = "forking" | "ready" | "executing" | "restarting" | "closing" | "closed";

export interface SessionOptions {
  readonly id: string;
  /** Stays open at least until the session is closed. */
  readonly template: Template;
  readonly templateName: string;
  readonly settings: SessionSettings;
  readonly sink: FrameSink;
  readonly log: Logger;
  /** Exactly once: the session is being ended, by whomever. */
  onClosing(): void;
  /** Exactly once: the VM has ended, nothing of the session is left. */
  onClosed(): void;
}

/**
 * One client's session: owns one fork at a time, from its construction to its end.
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
  readonly #pump: RecordPump;
  readonly #seat: GuestSeat;
  readonly #queue: JobQueue;
  readonly #handOver: HandOver;
  readonly #stopper: Stopper;
  readonly #idleTimer = new Timer(() => this.dispose("idle_timeout"));
  readonly #lifeTimer = new Timer(() => this.dispose("lifetime_exceeded"));
  readonly #lastOutputTimer = new Timer(() => this.#guard(() => this.#finishAfterEnd()));
  #state: SessionState = "forking";
  #restartReason: RestartedFrame["reason"] | undefined;
  #executionCount = 0;
  #refusedInARow = 0;
  /** The guest has ended by itself; its last output may still have to be sent. */
  #guestEnd: VmEnd | undefined;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#settings = options.settings;
    this.#sink = options.sink;
    this.#log = options.log;
    this.#router = new RecordRouter(options.sink, this.#credit, options.settings.maxSessionOutputBytes);
    this.#queue = new JobQueue(options.settings.maxQueuedExecutions);
    this.#handOver = new HandOver(
      (job) => this.#handedOver(job),
      (work) => this.#guard(work),
    );
    this.#stopper = new Stopper(this.#measures(), options.settings.interruptGraceMs, (work) => {
      this.#guard(work);
      this.#route();
    });
    this.#seat = this.#makeSeat();
    this.#pump = this.#makePump();
  }

  get state(): SessionState {
    return this.#state;
  }

  get templateName(): string {
    return this.#options.templateName;
  }

  /** Cells and questions that wait for their turn. */
  get waitingJobs(): number {
    return this.#queue.waiting;
  }

  /** Begin to fork. Once. */
  start(): void {
    this.#lifeTimer.start(this.#settings.lifetimeMs);
    this.#fork();
  }

  /** A frame of the client, already checked against its schema. */
  receive(frame: ClientFrame): void {
    if (this.isOver) return;
    if (this.#state === "forking") return this.refuse("not_ready", frame.type, idOf(frame));
    if (this.#state === "ready") this.#idleTimer.start(this.#settings.idleTimeoutMs);
    this.#guard(() => {
      const refusal = this.#accept(frame);
      if (refusal === undefined) this.#refusedInARow = 0;
      else this.refuse(refusal, frame.type, idOf(frame));
    });
  }

  /** Answer a frame with `failure`; the session goes on, unless the client does nothing else. */
  refuse(code: FailureCode, frame?: string, id?: string, message?: string): void {
    if (this.isOver) return;
    this.#router.send(failureFrame(code, frame, id, message));
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
    this.#route();
  }

  /**
   * End the session and its VM. Everything not done is answered, the client told why; without a
   * reason it is gone and nothing is sent. Idempotent, at any time.
   */
  dispose(reason?: FailureCode, message?: string): void {
    if (this.isOver) return;
    this.#state = "closing";
    this.#options.onClosing();
    for (const timer of [this.#idleTimer, this.#lifeTimer, this.#lastOutputTimer]) timer.stop();
    this.#stopper.rest();
    this.#handOver.stop();
    if (reason === undefined) this.#queue.drain();
    else this.#takeLeave(reason, message);
    this.#seat.close();
  }

  /** It takes no more frames. */
  get isOver(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failed(error);
    }
  }

  // ---- the guest -----------------------------------------------------------------------

  #makeSeat(): GuestSeat {
    const { template, settings, onClosed } = this.#options;
    const { forkTimeoutMs } = settings;
    return new GuestSeat(template, forkTimeoutMs, {
      onReadable: () => this.#route(),
      onLate: () => this.dispose("identity_refused", `the fork was not ready within ${forkTimeoutMs} ms`),
      onEnd: (end) => this.#guestEnded(end),
      onError: (error) => this.failed(error),
      onEmpty: () => {
        this.#state = "closed";
        onClosed();
      },
    });
  }

  #fork(): void {
    try {
      this.#seat.seat();
    } catch (error) {
      this.#log.error({ code: errorCode(error) }, "fork refused");
      this.dispose("fork_failed");
    }
  }

  /** The guest is itself: only now may anything of the client reach it. */
  #identified(guest: ForkedGuest): void {
    guest.identified();
    this.#state = "ready";
    // Before the frame, with which a connection found broken ends the session and its timers.
    this.#idleTimer.start(this.#settings.idleTimeoutMs);
    this.#router.send(this.#announcement(guest));
    if (!this.isOver) this.#startNext();
  }

  #announcement({ vmId, forkTimeUs }: ForkedGuest): ServerFrame {
    const reason = this.#restartReason;
    if (reason !== undefined) return { type: "restarted", vmId, forkTimeUs, reason };
    const { templateName, template } = this.#options;
    return {
      type: "ready",
      sessionId: this.id,
      vmId,
      template: templateName,
      protocol: PROTOCOL_VERSION,
      limits: announcedLimits(this.#settings, template.info.memoryMb),
      forkTimeUs,
      resumed: false,
    };
  }

  /** The guest is gone by itself; what it said before is still to be sent. */
  #guestEnded(end: VmEnd): void {
    this.#guestEnd = end;
    this.#log.warn({ reason: end.reason, detail: end.detail }, "VM ended");
    this.#stopper.rest();
    this.#handOver.stop();
    this.#lastOutputTimer.start(this.#settings.lastOutputTimeoutMs);
    this.#route();
  }

  #finishAfterEnd(): void {
    const end = this.#guestEnd;
    if (end === undefined) return;
    if (end.reason === "out_of_memory" && this.#seat.guest?.isReady) {
      return this.#restart("outOfMemory", this.#forcedEnding, "outOfMemory");
    }
    // The engine ends a VM as `closed` only when asked to, and nobody asked.
    this.dispose(end.reason === "closed" ? "internal" : end.reason, end.detail);
  }

  /**
   * Go on with a fresh fork: everything that has not ended ends, the running cell as given.
   * What is asked meanwhile waits in the queue.
   */
  #restart(reason: RestartedFrame["reason"], ending: Ending, stoppedBy: StoppedBy): void {
    this.#log.warn({ reason }, "VM is replaced");
    this.#state = "restarting";
    this.#restartReason = reason;
    this.#releaseJob();
    this.#lastOutputTimer.stop();
    this.#idleTimer.stop();
    this.#sink.cork(() => {
      for (const frame of this.#endAll(ending, stoppedBy)) this.#router.send(frame);
    });
    // The connection may have been found broken while sending.
    if (this.isOver) return;
    this.#guestEnd = undefined;
    // A client that came for this one answer, as a request does, is gone by then and needs no other VM.
    setImmediate(() => {
      if (!this.isOver) this.#fork();
    });
  }

  #takeLeave(reason: FailureCode, message: string = FAILURES[reason].meaning): void {
    this.#sink.cork(() => {
      for (const frame of this.#endAll(this.#forcedEnding)) {
        // Whoever asks and is not answered learns it from `closed`.
        if (frame.type === "done") this.#router.send(frame);
      }
      this.#router.send({ type: "closed", reason, message });
    });
    this.#sink.end(reason);
  }

  /** How the running execution ends when its VM does. */
  get #forcedEnding(): Ending {
    return this.#stopper.timedOut ? TIMED_OUT : KILLED;
  }

  /** The last frames of all that has not ended, when its VM goes. */
  #endAll(ending: Ending, stoppedBy?: StoppedBy): ServerFrame[] {
    const { running } = this.#queue;
    if (running instanceof Execution && !(this.#router.sendRest(running) && !this.#pump.hasMore)) {
      running.truncated = true;
    }
    return endsWithVm(this.#queue.drain(), running, ending, { executionCount: this.#executionCount, stoppedBy });
  }

  // ---- frames of the client ---------------------------------------------------------------

  #accept(frame: ClientFrame): FailureCode | undefined {
    switch (frame.type) {
      case "execute":
        return this.#execute(frame);
      case "complete":
      case "check":
      case "inspect":
        return this.#enqueue(new Question(frame));
      case "stdin":
        return this.#stdin(frame);
      case "interrupt":
        return this.#interrupt(frame);
      case "credit":
        this.#credit.grant(frame.bytes);
        this.#route();
        return undefined;
      case "ping":
        this.#router.send({ type: "pong", nonce: frame.nonce });
        return undefined;
    }
  }

  #execute(frame: ExecuteFrame): FailureCode | undefined {
    if ((frame.timeoutMs ?? 0) > this.#settings.maxTimeoutMs) return "invalid_frame";
    return this.#enqueue(new Execution(frame, this.#settings));
  }

  #enqueue(job: Job): FailureCode | undefined {
    const refusal = this.#queue.add(job);
    if (refusal === undefined && this.#state === "ready") this.#startNext();
    return refusal;
  }

  #stdin(frame: StdinFrame): FailureCode | undefined {
    const job = this.#queue.find(frame.id);
    if (job === undefined) return "unknown_execution";
    if (!(job instanceof Execution && job.stdinOpen)) return "stdin_closed";
    if (!this.#handOver.input(job, frame)) return "stdin_overflow";
    if (frame.eof === true) job.closeStdin();
    return undefined;
  }

  #interrupt(frame: InterruptFrame): FailureCode | undefined {
    const { running } = this.#queue;
    const job = frame.id === undefined ? running : this.#queue.find(frame.id);
    if (job === undefined) return frame.id === undefined ? undefined : "unknown_execution";
    if (job === running && job.engineId !== 0) {
      // A guest that has ended is interrupted already.
      if (this.#guestEnd === undefined) this.#stop(job, frame.after === "kill");
      return undefined;
    }
    const last = endOf(job, INTERRUPTED, this.#circumstances("interrupt"));
    if (job === running) this.#finish(last);
    else {
      this.#queue.remove(job);
      this.#router.send(last);
    }
    return undefined;
  }

  // ---- jobs ---------------------------------------------------------------------------

  #startNext(): void {
    const { guest } = this.#seat;
    const job = guest === undefined || this.#guestEnd !== undefined ? undefined : this.#queue.startNext();
    if (guest === undefined || job === undefined) {
      this.#state = "ready";
      this.#idleTimer.start(this.#settings.idleTimeoutMs);
      return;
    }
    this.#state = "executing";
    this.#idleTimer.stop();
    this.#handOver.begin(guest, job);
  }

  #handedOver(job: Job): void {
    this.#stopper.watch(job.timeoutMs);
    if (job instanceof Execution) {
      job.started(++this.#executionCount);
      this.#router.send({ type: "started", id: job.id });
    }
    // Output that came while nothing ran was waiting for this.
    this.#route();
  }

  #stop(job: Job, escalate: boolean): void {
    job.discarding = true;
    this.#stopper.interrupt(escalate);
    // What was held for want of credit is thrown away now, so that `done` can come.
    this.#route();
  }

  #measures(): Measures {
    return {
      interrupt: (again) => {
        const job = this.#queue.running;
        if (job === undefined) return false;
        job.discarding = true;
        return this.#seat.guest?.interrupt(job.engineId, again) ?? false;
      },
      killChildren: () => this.#seat.guest?.killChildren(this.#queue.running?.engineId ?? 0) ?? false,
      replace: () => {
        if (this.#stopper.timedOut) this.#restart("timeout", TIMED_OUT, "restart");
        else this.#restart("interrupt", INTERRUPTED, "restart");
      },
    };
  }

  #done(done: GuestDone): void {
    const job = this.#queue.running;
    if (job === undefined) throw new GuestViolation("done, but nothing runs");
    if (done.truncated) job.truncated = true;
    if (job.result.pending || job.error.pending) throw new GuestViolation("done within a result or error");
    const { applied, timedOut } = this.#stopper;
    // One whose time ran out while its end was on the way was stopped by nothing.
    const ending = timedOut && applied !== undefined ? TIMED_OUT : done;
    const heeded = ending.status === "interrupted" || ending.status === "timeout";
    const stoppedBy = applied === "interrupt" && !heeded ? undefined : applied;
    this.#finish(endOf(job, ending, this.#circumstances(stoppedBy)));
  }

  #circumstances(stoppedBy: StoppedBy | undefined): Circumstances {
    return { executionCount: this.#executionCount, stateKept: this.#guestEnd === undefined, stoppedBy };
  }

  #finish(last: ServerFrame): void {
    this.#releaseJob();
    this.#queue.finishRunning();
    this.#router.send(last);
    // The connection may have been found broken while sending; a dead VM runs nothing.
    if (!this.isOver && this.#guestEnd === undefined) this.#startNext();
  }

  #releaseJob(): void {
    this.#stopper.release();
    this.#handOver.stop();
  }

  // ---- records of the guest ----------------------------------------------------------------

  #makePump(): RecordPump {
    const session = this;
    const owner: PumpOwner = {
      get isOver() {
        return session.isOver;
      },
      get guest() {
        return session.#seat.guest;
      },
      get running() {
        return session.#queue.running;
      },
      onIdentified: (guest) => this.#identified(guest),
      onDone: (done) => this.#done(done),
      onExhausted: () => this.dispose("output_limit"),
      onError: (error) => this.failed(error),
    };
    return new RecordPump(owner, this.#router, this.#credit, this.#sink);
  }

  #route(): void {
    this.#pump.pump();
    if (this.#guestEnd === undefined || this.isOver) return;
    if (this.#queue.running === undefined || !this.#pump.hasMore) this.#guard(() => this.#finishAfterEnd());
  }
}

function idOf(frame: ClientFrame): string | undefined {
  return "id" in frame ? frame.id : undefined;
}
