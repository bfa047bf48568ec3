import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { decodeClientFrame, encodeFrame } from "../../../client/src/protocol/codec.js";
import type { ClientFrame, ReadyFrame, ServerFrame } from "../../../client/src/protocol/frames.js";
import { SUBPROTOCOL } from "../../../client/src/protocol/limits.js";

export const READY: ReadyFrame = {
  type: "ready",
  sessionId: "s1",
  vmId: "v1",
  template: "python",
  protocol: 1,
  limits: {
    maxFrameBytes: 1_114_112,
    maxCodeBytes: 1_048_576,
    maxQueuedExecutions: 64,
    initialCreditBytes: 262_144,
    defaultTimeoutMs: 60_000,
    maxTimeoutMs: 3_600_000,
    maxOutputBytes: 268_435_456,
    maxSessionOutputBytes: 68_719_476_736,
    idleTimeoutMs: 1_800_000,
    lifetimeMs: 86_400_000,
    interruptGraceMs: 2_000,
    memoryMb: 256,
  },
  forkTimeUs: 650,
  resumed: false,
};

/** One client, as the server end of the protocol sees it. */
export class PeerConnection {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly #frames: ClientFrame[] = [];
  readonly #waiting: ((frame: ClientFrame) => void)[] = [];
  readonly gone: Promise<{ code: number }>;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    this.gone = new Promise((resolve) => socket.on("close", (code) => resolve({ code })));
    socket.on("message", (data) => {
      const frame = decodeClientFrame(data as Buffer);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(frame);
      else waiting(frame);
    });
  }

  send(...frames: ServerFrame[]): void {
    for (const frame of frames) this.socket.send(encodeFrame(frame));
  }

  stdout(id: string, text: string | Uint8Array, type: "stdout" | "stderr" = "stdout"): void {
    this.send({ type, id, seq: 0, data: typeof text === "string" ? new TextEncoder().encode(text) : text });
  }

  done(id: string, fields: Partial<Extract<ServerFrame, { type: "done" }>> = {}): void {
    const timings = { queuedUs: 1, execUs: 2 };
    const ended = { status: "ok", exitCode: 0, executionCount: 1, timings, truncated: false, stateKept: true } as const;
    this.send({ type: "done", id, ...ended, ...fields });
  }

  /** The next frame; it must be of this type. */
  async next<T extends ClientFrame["type"]>(type: T): Promise<Extract<ClientFrame, { type: T }>> {
    const frame = this.#frames.shift() ?? (await new Promise<ClientFrame>((resolve) => this.#waiting.push(resolve)));
    if (frame.type !== type) throw new Error(`expected ${type}, got ${frame.type}`);
    return frame as Extract<ClientFrame, { type: T }>;
  }

  /** Frames that arrived and were not asked for. */
  get unread(): readonly ClientFrame[] {
    return this.#frames;
  }
}

/** The other end of the wire: accepts clients and leaves what to say to the test. */
export class Peer implements AsyncDisposable {
  readonly #server: WebSocketServer;
  readonly #connections: PeerConnection[] = [];
  readonly #waiting: ((connection: PeerConnection) => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket, request) => {
      const connection = new PeerConnection(socket, request);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#connections.push(connection);
      else waiting(connection);
    });
  }

  static async start(refuse?: { status: number; message: string }): Promise<Peer> {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
      ...(refuse === undefined
        ? {}
        : { verifyClient: (_info, answer) => answer(false, refuse.status, refuse.message) }),
    });
    await once(server, "listening");
    return new Peer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async accept(): Promise<PeerConnection> {
    return this.#connections.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
