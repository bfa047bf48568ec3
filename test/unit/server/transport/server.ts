import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type {
  Connection,
  ConnectionHandlers,
  TransportHandlers,
  TransportOptions,
} from "../../../../server/src/transport/transport.js";
import { createUwsTransport } from "../../../../server/src/transport/uws.js";

const KIB = 1024;

export const OPTIONS: TransportOptions = {
  maxMessageBytes: 64 * KIB,
  maxQueuedBytes: 1024 * KIB,
  peerTimeoutSeconds: 8,
};

/** What a connection's handlers were told, in order. */
export interface Told {
  readonly messages: { readonly data: Uint8Array; readonly isBinary: boolean }[];
  drains: number;
  closes: number;
}

export interface Running {
  readonly url: string;
  readonly port: number;
  /** Listening no more; for what is there, see transport.ts. */
  stopListening(): void;
  close(): void;
}

/** The transport on a free loopback port, until the test is over. */
export async function listen(handlers: TransportHandlers, options: Partial<TransportOptions> = {}): Promise<Running> {
  const transport = await createUwsTransport(handlers, { ...OPTIONS, ...options });
  onTestFinished(() => transport.close());
  const { port } = await transport.listen("127.0.0.1", 0);
  return {
    url: `ws://127.0.0.1:${port}/v1/session`,
    port,
    stopListening: () => transport.stopListening(),
    close: () => transport.close(),
  };
}

/** Accepts every handshake and hands the connections to the test, with what each was told. */
export class Acceptor implements TransportHandlers {
  readonly connections: Connection[] = [];
  readonly told: Told[] = [];
  readonly #open: (connection: Connection) => void;

  /** @param open what to do the moment a connection stands */
  constructor(open: (connection: Connection) => void = () => {}) {
    this.#open = open;
  }

  onRequest() {
    return { status: 404, headers: {}, body: "" };
  }

  onUpgrade() {
    return { accept: true as const, open: (connection: Connection) => this.#accept(connection) };
  }

  #accept(connection: Connection): ConnectionHandlers {
    const told: Told = { messages: [], drains: 0, closes: 0 };
    this.connections.push(connection);
    this.told.push(told);
    this.#open(connection);
    return {
      onMessage: (data, isBinary) => void told.messages.push({ data, isBinary }),
      onDrain: () => void told.drains++,
      onClose: () => void told.closes++,
    };
  }
}

/** A client of `ws`, and all that happens to it. */
export interface Client {
  readonly socket: WebSocket;
  readonly messages: Buffer[];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export function connect(url: string, protocols: string[] = [], headers: Record<string, string> = {}): Client {
  const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
  onTestFinished(() => socket.terminate());
  const messages: Buffer[] = [];
  socket.on("message", (data) => messages.push(data as Buffer));
  const opened = new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  opened.catch(() => {});
  socket.on("error", () => {});
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  return { socket, messages, opened, closed };
}

/** A port somebody else listens on, until the test is over. */
export async function occupiedPort(): Promise<number> {
  const other = createServer((socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => other.listen({ host: "127.0.0.1", port: 0 }, resolve));
  onTestFinished(() => void other.close());
  const address = other.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return address.port;
}
