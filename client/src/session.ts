import { ProtocolError, SessionClosedError, ZerobootError } from "./errors.js";
import { Execution } from "./execution.js";
import type { Link } from "./link.js";
import { type ConnectOptions, executeFrameOf, type RunOptions } from "./options.js";
import { creditCost } from "./protocol/credit.js";
import type {
  CheckedFrame,
  ClientFrame,
  CompletedFrame,
  FailureFrame,
  InspectedFrame,
  ReadyFrame,
  RestartedFrame,
  ServerFrame,
  SessionLimits,
} from "./protocol/frames.js";
import { CREDIT_RETURN_BYTES, MAX_NONCE } from "./protocol/limits.js";
import {
  type CodeCheck,
  type Completion,
  checkCode,
  codePointsBefore,
  type Inspection,
  indexBehind,
  Questions,
} from "./questions.js";
import { type ExecutionHost, RunningExecution } from "./running.js";

/** Pings that may wait for their answer at one time. */
const MAX_PENDING_PINGS = 64;

interface PendingPing {
  readonly sentAt: number;
  resolve(milliseconds: number): void;
  reject(error: unknown): void;
}

/**
 * A live session: one virtual machine of one's own, from `connect` to `close`.
 *
 * Variables, files and processes persist between runs and are gone with the session. Runs are
 * queued by the server and done in order. Once `close()` was called, or the session has ended by
 * itself, no callback fires any more, every outstanding execution has rejected, once, and iterations
 * yield what had arrived and then throw the same error.
 *
 * @example
 * await using session = await Session.connect({ url: "http://127.0.0.1:8080" });
 * await session.run("x = 20");
 * const { result } = await session.run("x + 1");
 * console.log(result?.["text/plain"]); // 21
 */
export class SessionBase implements AsyncDisposable {
  /** The server's name for this session. */
  readonly id: string;
  readonly template: string;
  readonly limits: SessionLimits;
  /** Resolves, and never rejects, when the session has ended: with the reason. */
  readonly closed: Promise<ZerobootError>;

  readonly #link: Link;
  readonly #onFailure: ConnectOptions["onFailure"];
  readonly #onRestart: ConnectOptions["onRestart"];
  readonly #running = new Map<string, RunningExecution>();
  readonly #questions = new Questions();
  readonly #pings = new Map<number, PendingPing>();
  readonly #host: ExecutionHost = {
    send: (frame) => this.#link.send(frame),
    consumed: (bytes) => this.#returnCredit(bytes),
    settled: () => this.ping(),
  };
  #vmId: string;
  #forkTimeUs: number;
  #lastId = 0;
  #nonce = 0;
  #unreturned = 0;
  #end: ZerobootError | undefined;
  #closing: Promise<void> | undefined;
  #resolveClosed!: (error: ZerobootError) => void;

  /** @internal */
  protected constructor(link: Link, ready: ReadyFrame, options: ConnectOptions) {
    this.#link = link;
    this.#onFailure = options.onFailure;
    this.#onRestart = options.onRestart;
    this.id = ready.sessionId;
    this.#vmId = ready.vmId;
    this.template = ready.template;
    this.limits = ready.limits;
    this.#forkTimeUs = ready.forkTimeUs;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    link.receiver = { onFrame: (frame) => this.#receive(frame), onEnd: (error) => this.#ended(error) };
  }

  /** The server's name for its virtual machine; another one after a restart. */
  get vmId(): string {
    return this.#vmId;
  }

  /** Time the server took to fork the virtual machine, microseconds. */
  get forkTimeUs(): number {
    return this.#forkTimeUs;
  }

  /**
   * Run code. The execution is on its way when this returns; every error, of arguments too, is
   * the execution's rejection.
   */
  run(code: string, options: RunOptions = {}): Execution {
    const id = this.#nextId();
    const running = new RunningExecution(id, this.#host, options);
    try {
      if (this.#end !== undefined) throw this.#end;
      options.signal?.throwIfAborted();
      this.#link.send(executeFrameOf(id, code, options, this.limits));
      this.#running.set(id, running);
      running.sent();
    } catch (error) {
      running.fail(error);
    }
    return new Execution(id, running);
  }

  /**
   * What could stand at `cursor`, an index of `code`, from the session's live variables. Waits for its turn among
   * the executions.
   * @throws InvalidOptionError, SessionClosedError; ExecutionRefusedError, `restarted` if the virtual machine was
   * replaced first
   */
  async complete(code: string, cursor: number = code.length): Promise<Completion> {
    checkCode(code, this.limits);
    const frame = { type: "complete", id: this.#nextId(), code, cursor: codePointsBefore(code, cursor) } as const;
    const answer = await this.#ask(frame);
    if (answer.type !== "completed") throw new ProtocolError(`the server answered complete with ${answer.type}`);
    const { matches, start, end } = answer;
    return { matches, start: indexBehind(code, start), end: indexBehind(code, end) };
  }

  /** Whether `code` is whole or wants another line. Waits for its turn. @throws as {@link complete} */
  async check(code: string): Promise<CodeCheck> {
    checkCode(code, this.limits);
    const answer = await this.#ask({ type: "check", id: this.#nextId(), code });
    if (answer.type !== "checked") throw new ProtocolError(`the server answered check with ${answer.type}`);
    return { status: answer.status, indent: answer.indent };
  }

  /**
   * What the object is whose name is at `cursor`, an index of `code`: within or behind the name. Waits for its turn.
   * @throws as {@link complete}
   */
  async inspect(code: string, cursor: number = code.length): Promise<Inspection> {
    checkCode(code, this.limits);
    const frame = { type: "inspect", id: this.#nextId(), code, cursor: codePointsBefore(code, cursor) } as const;
    const answer = await this.#ask(frame);
    if (answer.type !== "inspected") throw new ProtocolError(`the server answered inspect with ${answer.type}`);
    return { found: answer.found, bundle: answer.bundle };
  }

  /**
   * Round trip to the server, milliseconds.
   * @throws ZerobootError `send_queue_full`; SessionClosedError
   */
  ping(): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) throw this.#end;
      if (this.#pings.size === MAX_PENDING_PINGS) {
        throw new ZerobootError("send_queue_full", `${MAX_PENDING_PINGS} pings are unanswered`);
      }
      const nonce = this.#nonce;
      this.#nonce = nonce === MAX_NONCE ? 0 : nonce + 1;
      this.#link.send({ type: "ping", nonce });
      this.#pings.set(nonce, { sentAt: performance.now(), resolve, reject });
    });
  }

  /** End the session and its virtual machine. Idempotent; answers when the connection is closed. */
  close(): Promise<void> {
    this.#closing ??= this.#link.close(new SessionClosedError("session_closed", "the session was closed"));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "pong":
        return this.#pong(frame.nonce);
      case "failure":
        return this.#failed(frame);
      case "started":
      case "stdout":
      case "stderr":
      case "result":
      case "display":
      case "error":
      case "inputRequest":
      case "done":
        return this.#dispatch(frame.id, frame);
      case "completed":
      case "checked":
      case "inspected":
        if (!this.#questions.answer(frame)) this.#violated(`${frame.type} for a question that was not asked`);
        return;
      case "restarted":
        return this.#restarted(frame);
      case "ready":
        return this.#violated("a second ready");
      default:
        return;
    }
  }

  #dispatch(id: string, frame: ServerFrame): void {
    const running = this.#running.get(id);
    if (running === undefined) return this.#violated(`${frame.type} for an execution that is not running`);
    if (frame.type === "done") this.#running.delete(id);
    running.receive(frame);
    // Streams, and displays in them, report for themselves what has been consumed; the rest is, with its arrival.
    if (frame.type === "result" || frame.type === "error") this.#returnCredit(creditCost(frame));
  }

  #failed(frame: FailureFrame): void {
    const { id = "" } = frame;
    if (this.#questions.has(id)) return this.#questions.refuse(id, frame);
    const running = this.#running.get(id);
    if (running !== undefined && frame.frame === "execute") {
      this.#running.delete(id);
      running.receive(frame);
    } else if (running !== undefined && frame.frame === "stdin") running.inputRefused(frame);
    else this.#report(new ZerobootError(frame.code, frame.message));
  }

  #restarted({ vmId, forkTimeUs, reason }: RestartedFrame): void {
    this.#vmId = vmId;
    this.#forkTimeUs = forkTimeUs;
    queueMicrotask(() => {
      if (this.#end === undefined) this.#onRestart?.({ vmId, forkTimeUs, reason });
    });
  }

  #nextId(): string {
    return String(++this.#lastId);
  }

  #ask(
    frame: Extract<ClientFrame, { type: "complete" | "check" | "inspect" }>,
  ): Promise<CompletedFrame | CheckedFrame | InspectedFrame> {
    if (this.#end !== undefined) throw this.#end;
    this.#link.send(frame);
    return this.#questions.wait(frame.id);
  }

  /** In a turn of its own: what the callback throws is not this session's. */
  #report(error: ZerobootError): void {
    queueMicrotask(() => {
      if (this.#end === undefined) this.#onFailure?.(error);
    });
  }

  #pong(nonce: number): void {
    const ping = this.#pings.get(nonce);
    if (ping === undefined) return this.#violated("a pong nobody asked for");
    this.#pings.delete(nonce);
    ping.resolve(performance.now() - ping.sentAt);
  }

  #returnCredit(bytes: number): void {
    if (this.#end !== undefined) return;
    this.#unreturned += bytes;
    // A server with a small window must not wait for more than it may send.
    if (this.#unreturned < Math.min(CREDIT_RETURN_BYTES, this.limits.initialCreditBytes / 4)) return;
    if (this.#unreturned === 0) return;
    const returned = this.#unreturned;
    this.#unreturned = 0;
    try {
      this.#link.send({ type: "credit", bytes: returned });
    } catch (error) {
      // Without credit the session would stand still for good.
      this.#link.abort(error as ZerobootError);
    }
  }

  #violated(what: string): void {
    this.#link.abort(new ProtocolError(`the server sent ${what}`));
  }

  #ended(error: ZerobootError): void {
    this.#end = error;
    for (const running of this.#running.values()) running.fail(error);
    this.#running.clear();
    this.#questions.fail(error);
    for (const ping of this.#pings.values()) ping.reject(error);
    this.#pings.clear();
    this.#resolveClosed(error);
  }
}
