import { Packr } from "msgpackr";
import { WebSocket } from "ws";

const msgpack = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });

/** A frame, as it comes off the wire: nothing of ours has looked at it. */
export type RawFrame = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface RawClientOptions {
  readonly query?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Return credit for output as it comes. @default true */
  readonly credit?: boolean;
}

/** A client that shares no code with the SDK: `ws` and msgpack. */
export class RawClient implements Disposable {
  readonly socket: WebSocket;
  readonly frames: RawFrame[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;
  #executions = 0;

  constructor(url: string, options: RawClientOptions = {}) {
    const { query = "", protocols = ["zeroboot.v1.msgpack"], headers = {}, credit = true } = options;
    this.socket = new WebSocket(`${url.replace("http", "ws")}/v1/session${query}`, [...protocols], { headers });
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.#isClosed = true;
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    this.socket.on("message", (data) => {
      const frame = msgpack.unpack(data as Buffer) as RawFrame;
      this.frames.push(frame);
      const bytes = credit ? costOf(frame) : 0;
      if (bytes > 0) this.send({ type: "credit", bytes });
      this.#wake();
    });
  }

  /** Connected, and the session is ready. */
  static async ready(url: string, options: RawClientOptions = {}): Promise<RawClient> {
    const client = new RawClient(url, options);
    await client.frame((frame) => frame.type === "ready");
    return client;
  }

  send(frame: Record<string, unknown>): void {
    this.sendBytes(msgpack.pack(frame));
  }

  sendBytes(message: Uint8Array | string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  /** The first frame, of those that came and will come, that `fits`. @throws Error when the connection closes before */
  async frame(fits: (frame: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (this.#isClosed) throw new Error(`closed; came: ${this.frames.map((frame) => frame.type).join(" ")}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  failure(code: string): Promise<RawFrame> {
    return this.frame((frame) => frame.type === "failure" && frame.code === code);
  }

  /** Hand over a cell. @returns its id */
  execute(code: string, more: Record<string, unknown> = {}): string {
    const id = `e${++this.#executions}`;
    this.send({ type: "execute", id, code, ...more });
    return id;
  }

  done(id: string): Promise<RawFrame> {
    return this.frame((frame) => frame.type === "done" && frame.id === id);
  }

  /** Run a cell to its end. */
  async run(code: string, more: Record<string, unknown> = {}): Promise<RanCell> {
    const id = this.execute(code, more);
    const done = await this.done(id);
    const of = this.frames.filter((frame) => frame.id === id);
    return {
      id,
      done,
      stdout: output(of, "stdout").toString(),
      stderr: output(of, "stderr").toString(),
      result: (of.find((frame) => frame.type === "result")?.bundle as Record<string, unknown> | undefined)?.[
        "text/plain"
      ],
      error: of.find((frame) => frame.type === "error"),
      types: of.map((frame) => frame.type),
    };
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** What a frame costs in credit, as docs/protocol.md says. */
function costOf({ type, data, bundle, name, message, traceback }: RawFrame): number {
  const parts: Readonly<Record<string, readonly unknown[]>> = {
    stdout: [data],
    stderr: [data],
    result: Object.values(bundle ?? {}),
    display: Object.values(bundle ?? {}),
    error: [name, message, traceback],
  };
  return (parts[type] ?? []).reduce<number>((sum, part) => {
    if (part instanceof Uint8Array) return sum + part.length;
    return typeof part === "string" ? sum + Buffer.byteLength(part) : sum;
  }, 0);
}

export interface RanCell {
  readonly id: string;
  readonly done: RawFrame;
  readonly stdout: string;
  readonly stderr: string;
  readonly result: unknown;
  readonly error: RawFrame | undefined;
  /** In the order in which they came. */
  readonly types: readonly string[];
}

/** The bytes of one stream. */
export function output(frames: readonly RawFrame[], type: "stdout" | "stderr"): Buffer {
  return Buffer.concat(frames.filter((frame) => frame.type === type).map((frame) => frame.data as Uint8Array));
}
