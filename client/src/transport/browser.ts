import { InvalidOptionError } from "../errors.js";
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL } from "../protocol/limits.js";
import type { Platform, Socket, SocketHandlers, SocketRequest } from "./transport.js";

/** Characters of a subprotocol's name (RFC 9110 token), in which browsers carry the API key. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The browser's own WebSocket; the default server is the one the page came from. */
export const browserPlatform: Platform = {
  defaultUrl: () => location.origin,
  openSocket: (request, handlers) => new BrowserSocket(request, handlers),
};

class BrowserSocket implements Socket {
  readonly #socket: WebSocket;
  readonly #handlers: SocketHandlers;
  #ended = false;

  constructor(request: SocketRequest, handlers: SocketHandlers) {
    this.#handlers = handlers;
    this.#socket = new WebSocket(request.url, [SUBPROTOCOL, ...bearer(request.apiKey)]);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (this.#ended) return;
      if (typeof event.data === "string") handlers.onText();
      else handlers.onMessage(new Uint8Array(event.data));
    };
    this.#socket.onclose = (event) => this.#end(event.code, event.reason);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** A page cannot drop a connection; it can only stop listening to it. */
  terminate(): void {
    this.#socket.close(1000);
    this.#end(1006, "");
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handlers.onEnd({ code, reason });
  }
}

function bearer(apiKey: string | undefined): string[] {
  if (apiKey === undefined) return [];
  if (!TOKEN.test(apiKey)) throw new InvalidOptionError("apiKey has characters that a browser cannot transmit");
  return [BEARER_SUBPROTOCOL_PREFIX + apiKey];
}
