import { Packr } from "msgpackr";
import { WebSocket } from "ws";
import { Mismatch } from "./mismatch.js";
import type { StreamName } from "./output-record.js";
import { type Cell, type CellOptions, type Completion, type Peer, SessionEnded } from "./peer.js";
import { RawCell } from "./raw-cell.js";

const msgpack = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });

export type RawFrame = { readonly type: string; readonly id?: string } & Readonly<Record<string, unknown>>;

interface Question {
  resolve(answer: RawFrame): void;
  reject(error: Error): void;
}

/**
 * A client of its own, on `ws` and msgpack, that shares no code with the SDK and checks every rule
 * of docs/protocol.md that can be seen from outside: order, numbering, credit, one `done` each.
 */
export class RawPeer implements Peer {
  readonly kind = "raw";
  readonly ended: Promise<string>;
  readonly #socket: WebSocket;
  readonly #cells = new Map<string, RawCell>();
  /** Answers to `complete`, `check` and `ping`, by id or nonce. */
  readonly #questions = new Map<string, Question>();
  readonly #used = new Set<string>();
  #ready: RawFrame | undefined;
  #onReady!: Question;
  #resolveEnded!: (code: string) => void;
  #closedBy: string | undefined;
  #isOver = false;
  #ids = 0;
  #nextSeq = 0;
  /** Bytes the server may still send. */
  #credit = 0;
  #restarts = 0;

  private constructor(url: string) {
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/v1/session`, ["zeroboot.v1.msgpack"]);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#socket.on("error", () => {});
    this.#socket.on("message", (data) => {
      try {
        this.#receive(msgpack.unpack(data as Buffer) as RawFrame);
      } catch (error) {
        this.#end("wrong", error as Error);
      }
    });
    this.#socket.on("close", (code) => this.#end(this.#closedBy ?? `close code ${code}`));
  }

  /** @param signal cuts the connection, however far it is */
  static connect(url: string, connectTimeoutMs: number, signal?: AbortSignal): Promise<RawPeer> {
    const peer = new RawPeer(url);
    const timer = setTimeout(() => peer.#end("wrong", new Mismatch("no ready in time")), connectTimeoutMs);
    signal?.addEventListener("abort", () => peer.#end("connect_aborted"));
    return new Promise<RawPeer>((resolve, reject) => {
      peer.#onReady = { resolve: () => resolve(peer), reject };
    }).finally(() => clearTimeout(timer));
  }

  get sessionId(): string {
    return String(this.#ready?.sessionId);
  }
  get interruptGraceMs(): number {
    return Number((this.#ready?.limits as Record<string, unknown> | undefined)?.interruptGraceMs);
  }
  get restarts(): number {
    return this.#restarts;
  }

  run(code: string, options: CellOptions = {}): Cell {
    const id = this.#newId();
    const cell = new RawCell(id, options, {
      send: (frame) => this.send(frame),
      // With little room a stalled reader leaves the rest to the kernel's buffers.
      pause: () => this.#socket.pause(),
      resume: () => this.#socket.resume(),
    });
    if (this.#isOver) cell.fail(new SessionEnded(this.#closedBy ?? "session_closed"));
    else this.#cells.set(id, cell);
    const { timeoutMs, env, stdin, answers } = options;
    this.send({
      ...{ type: "execute", id, code },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(env === undefined ? {} : { env }),
      ...(stdin === "open" || answers !== undefined ? { stdin: "open" } : {}),
    });
    return cell;
  }

  async complete(code: string, cursor: number): Promise<Completion> {
    const id = this.#newId();
    const { matches, start, end } = await this.#ask(id, { type: "complete", id, code, cursor }, "completed");
    return { matches: matches as string[], start: Number(start), end: Number(end) };
  }

  async check(code: string): Promise<{ readonly status: string; readonly indent: string }> {
    const id = this.#newId();
    const { status, indent } = await this.#ask(id, { type: "check", id, code }, "checked");
    return { status: String(status), indent: String(indent) };
  }

  async ping(): Promise<void> {
    const nonce = ++this.#ids;
    await this.#ask(String(nonce), { type: "ping", nonce }, "pong");
  }

  async close(): Promise<void> {
    this.#closedBy ??= "session_closed";
    this.#socket.resume();
    this.#socket.close(1000);
    await this.ended;
  }

  async cut(): Promise<void> {
    this.#closedBy ??= "connection_lost";
    this.#socket.resume();
    this.#socket.terminate();
    await this.ended;
  }

  send(frame: Record<string, unknown>): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    // Before it is sent: the server may answer it at once.
    if (frame.type === "credit") this.#credit += Number(frame.bytes);
    this.#socket.send(msgpack.pack(frame));
  }

  #newId(): string {
    const id = `r${++this.#ids}`;
    this.#used.add(id);
    return id;
  }

  async #ask(key: string, frame: Record<string, unknown>, answer: string): Promise<RawFrame> {
    const told = await new Promise<RawFrame>((resolve, reject) => {
      if (this.#isOver) reject(new SessionEnded(this.#closedBy ?? "session_closed"));
      this.#questions.set(key, { resolve, reject });
      this.send(frame);
    });
    if (told.type !== answer) throw new Mismatch(`${JSON.stringify(told)} in answer to ${String(frame.type)}`);
    return told;
  }

  #receive(frame: RawFrame): void {
    if (this.#closedBy === "connection_lost" || this.#closedBy === "session_closed") return;
    if (this.#closedBy !== undefined) throw new Mismatch(`${frame.type} after closed ${this.#closedBy}`);
    if ((this.#ready === undefined) !== (frame.type === "ready") && frame.type !== "failure") {
      throw new Mismatch(`${frame.type} ${this.#ready === undefined ? "before" : "after"} ready`);
    }
    switch (frame.type) {
      case "ready":
        this.#ready = frame;
        this.#credit = Number((frame.limits as Record<string, unknown>).initialCreditBytes);
        return this.#onReady.resolve(frame);
      case "stdout":
      case "stderr":
        return this.#output(frame, frame.type);
      case "restarted":
        this.#restarts++;
        return;
      case "pong":
        return this.#answer(String(frame.nonce), frame);
      case "completed":
      case "checked":
        return this.#answer(String(frame.id), frame);
      case "failure":
        return this.#failure(frame);
      case "closed":
        this.#closedBy = String(frame.reason);
        return;
      default:
        return this.#ofCell(frame);
    }
  }

  #output(frame: RawFrame, stream: StreamName): void {
    if (frame.seq !== this.#nextSeq) throw new Mismatch(`output ${String(frame.seq)} in place of ${this.#nextSeq}`);
    this.#nextSeq++;
    const data = frame.data as Uint8Array;
    this.#credit -= data.length;
    if (this.#credit < 0) throw new Mismatch(`${-this.#credit} bytes of output more than was paid for`);
    this.#cell(frame).receiveOutput(stream, data);
  }

  #ofCell(frame: RawFrame): void {
    const cell = this.#cell(frame);
    const [next] = this.#cells.keys();
    if (frame.type === "started" && cell.id !== next) throw new Mismatch(`${cell.id} started before ${next}`);
    if (frame.type === "done") this.#cells.delete(cell.id);
    const cost = cell.receive(frame);
    this.#credit -= cost;
    if (cost > 0) this.send({ type: "credit", bytes: cost });
  }

  #cell(frame: RawFrame): RawCell {
    const cell = this.#cells.get(String(frame.id));
    if (cell !== undefined) return cell;
    throw new Mismatch(
      `${frame.type} for ${String(frame.id)}, ${this.#used.has(String(frame.id)) ? "done" : "unknown"}`,
    );
  }

  #answer(key: string, frame: RawFrame): void {
    const question = this.#questions.get(key);
    if (question === undefined) throw new Mismatch(`${frame.type} ${key} that nobody asked for`);
    this.#questions.delete(key);
    question.resolve(frame);
  }

  #failure(frame: RawFrame): void {
    const id = String(frame.id);
    // An interrupt or input that came when its cell had just ended.
    if (frame.code === "unknown_execution" && this.#used.has(id) && !this.#cells.has(id)) return;
    if (this.#questions.has(id)) return this.#answer(id, frame);
    if (this.#ready === undefined) this.#closedBy = String(frame.code);
    else if (frame.frame !== undefined) throw new Mismatch(`failure ${JSON.stringify(frame)}`);
  }

  /** @param wrong what was seen that must not be */
  #end(code: string, wrong?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closedBy ??= code;
    const error = wrong ?? new SessionEnded(code);
    for (const cell of this.#cells.values()) cell.fail(error);
    for (const question of this.#questions.values()) question.reject(error);
    this.#onReady.reject(error);
    // Its end is an event, which a socket that is not read would never have.
    this.#socket.resume();
    this.#socket.terminate();
    // What was wrong is told even if nothing waited.
    this.#resolveEnded(wrong === undefined ? code : `wrong: ${wrong.message}`);
  }
}
