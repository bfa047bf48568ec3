import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { InvalidOptionError } from "../errors.js";
import { MAX_SERVER_FRAME_BYTES, SUBPROTOCOL } from "../protocol/limits.js";
import type { Platform, Socket, SocketEnd, SocketHandlers, SocketRequest } from "./transport.js";

/** Read of the HTTP answer that refused the handshake, bytes. */
const MAX_REFUSAL_BYTES = 16 * 1024;

/** What may stand in a header. */
const HEADER_TEXT = /^[\x21-\x7e]+$/;

/** WebSockets by `ws`; the default server is that of `ZEROBOOT_BASE_URL`, else the one on this machine. */
export const nodePlatform: Platform = {
  defaultUrl: () => process.env.ZEROBOOT_BASE_URL || "http://127.0.0.1:8080",
  openSocket: (request, handlers) => new NodeSocket(request, handlers),
};

class NodeSocket implements Socket {
  readonly #socket: WebSocket;
  readonly #handlers: SocketHandlers;
  #cause: unknown;
  #ended = false;

  constructor(request: SocketRequest, handlers: SocketHandlers) {
    this.#handlers = handlers;
    this.#socket = new WebSocket(request.url, [SUBPROTOCOL], {
      headers: authorization(request.apiKey),
      maxPayload: MAX_SERVER_FRAME_BYTES,
      // Output is mostly short and latency is what counts.
      perMessageDeflate: false,
      followRedirects: false,
      // Each message in a turn of its own: who iterates stdout and stderr side by side gets both in the order of arrival.
      allowSynchronousEvents: false,
    });
    this.#socket.binaryType = "arraybuffer";
    this.#socket.on("message", (data, isBinary) => {
      if (this.#ended) return;
      if (isBinary) handlers.onMessage(new Uint8Array(data as ArrayBuffer));
      else handlers.onText();
    });
    this.#socket.on("unexpected-response", (_request, response) => this.#refused(response));
    this.#socket.on("error", (error) => {
      this.#cause ??= error;
    });
    this.#socket.on("close", (code, reason) => {
      this.#end({ code, reason: reason.toString("utf8"), cause: this.#cause });
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  close(): void {
    this.#socket.close(1000);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #refused(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = () => {
      const body = Buffer.concat(chunks).toString("utf8");
      this.#end({ code: 1006, reason: "", refusal: { status: response.statusCode ?? 0, body } });
      this.#socket.terminate();
    };
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_REFUSAL_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.on("error", (error) => {
      this.#cause ??= error;
    });
    response.on("close", finish);
  }

  #end(end: SocketEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handlers.onEnd(end);
  }
}

function authorization(apiKey: string | undefined): Record<string, string> {
  if (apiKey === undefined) return {};
  if (!HEADER_TEXT.test(apiKey)) throw new InvalidOptionError("apiKey has characters that an HTTP header cannot carry");
  return { Authorization: `Bearer ${apiKey}` };
}
