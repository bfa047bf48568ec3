import type { Platform, Socket, SocketEnd, SocketHandlers } from "@zeroboot/sdk/transport";
import type { Connection, ConnectionHandlers } from "../transport/transport.js";

/**
 * Connections that stay within this process: the SDK at one end, what serves a session at the other.
 * They see what they would see of a WebSocket, closing included.
 * @param serve as of an upgrade that was accepted
 */
export function loopbackPlatform(serve: (connection: Connection) => ConnectionHandlers): Platform {
  return {
    defaultUrl: () => "http://localhost",
    openSocket: (_request, handlers) => new Loopback(handlers, serve).socket,
  };
}

/** Close code of a connection that broke off, RFC 6455 7.1.5. */
const ABNORMAL_CLOSURE = 1006;
const NORMAL_CLOSURE = 1000;

class Loopback {
  readonly socket: Socket;
  readonly #connection: Connection;
  readonly #client: SocketHandlers;
  #server: ConnectionHandlers | undefined;
  /** Bytes on their way to the server. */
  #sentBytes = 0;
  /** No message is sent any more; those under way arrive. */
  #closing = false;
  #ended = false;

  constructor(client: SocketHandlers, serve: (connection: Connection) => ConnectionHandlers) {
    this.#client = client;
    this.socket = this.#socketEnd();
    this.#connection = this.#connectionEnd();
    this.#later(() => {
      this.#server = serve(this.#connection);
    });
  }

  #socketEnd(): Socket {
    const bytes = () => this.#sentBytes;
    return {
      get bufferedBytes() {
        return bytes();
      },
      send: (message) => {
        if (this.#closing) return;
        this.#sentBytes += message.length;
        this.#later(() => {
          this.#sentBytes -= message.length;
          this.#server?.onMessage(message, true);
        });
      },
      close: () => this.#close({ code: NORMAL_CLOSURE, reason: "" }),
      terminate: () => this.#terminate(),
    };
  }

  #connectionEnd(): Connection {
    return {
      remoteAddress: "",
      send: (message) => {
        if (!this.#closing) this.#later(() => this.#client.onMessage(message));
        // What the client has not consumed is bounded by its credit.
        return "sent";
      },
      cork: (work) => work(),
      close: (code, reason) => this.#close({ code, reason }),
      terminate: () => this.#terminate(),
    };
  }

  #close(end: SocketEnd): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#later(() => this.#end(end));
  }

  #terminate(): void {
    this.#closing = true;
    setImmediate(() => this.#end({ code: ABNORMAL_CLOSURE, reason: "" }));
  }

  #end(end: SocketEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#server?.onClose();
    this.#client.onEnd(end);
  }

  /**
   * Neither end is called from within its own call. A turn for each message, in order: signals and other input are seen
   * between them.
   */
  #later(work: () => void): void {
    setImmediate(() => {
      if (!this.#ended) work();
    });
  }
}
