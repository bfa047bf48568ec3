import { ConnectionError, ProtocolError, SessionClosedError, SessionRefusedError, ZerobootError } from "./errors.js";
import { decodeServerFrame, encodeFrame } from "./protocol/codec.js";
import { FAILURES, failureInfo } from "./protocol/codes.js";
import { FrameError } from "./protocol/errors.js";
import type { ClientFrame, ServerFrame } from "./protocol/frames.js";
import { MAX_CLIENT_FRAME_BYTES } from "./protocol/limits.js";
import type { Platform, Socket, SocketEnd, SocketRequest } from "./transport/transport.js";

/** Bytes a slow server may leave in this process before sending fails. */
const MAX_BUFFERED_BYTES = 4 * MAX_CLIENT_FRAME_BYTES;
/** How long the server has to answer the closing handshake, milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Who a {@link Link} reports to. */
export interface LinkReceiver {
  onFrame(frame: ServerFrame): void;
  /** Exactly once, and the last call: why the connection ended. */
  onEnd(error: ZerobootError): void;
}

/**
 * Frames over a socket. It knows why the connection ended: by what the server said last, by the
 * HTTP answer to the handshake, by the close code, or by its own doing.
 */
export class Link {
  receiver: LinkReceiver;
  readonly #socket: Socket;
  /** The server has spoken: from here on an end is that of a session or of its refusal. */
  #ready = false;
  /** Decided before the socket is gone. */
  #reason: ZerobootError | undefined;
  #ended = false;
  #onGone: (() => void) | undefined;

  /** @throws InvalidOptionError */
  constructor(platform: Platform, request: SocketRequest, receiver: LinkReceiver) {
    this.receiver = receiver;
    this.#socket = platform.openSocket(request, {
      onMessage: (message) => this.#receive(message),
      onText: () => this.#fail(new ProtocolError("the server sent a text message")),
      onEnd: (end) => this.#gone(end),
    });
  }

  /** @throws ZerobootError `send_queue_full` */
  send(frame: ClientFrame): void {
    if (this.#ended) return;
    const message = encodeFrame(frame);
    if (this.#socket.bufferedBytes + message.length > MAX_BUFFERED_BYTES) {
      throw new ZerobootError("send_queue_full", "the server does not take what is sent to it");
    }
    this.#socket.send(message);
  }

  /** End with `error` at once, for everybody on this side. */
  abort(error: ZerobootError): void {
    this.#end(error);
    this.#socket.terminate();
  }

  /**
   * End with `error` at once; answers when the server has taken leave or its time to do so is over.
   */
  close(error: ZerobootError): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#end(error);
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
      this.#onGone = () => {
        clearTimeout(deadline);
        resolve();
      };
      this.#socket.close();
    });
  }

  #receive(message: Uint8Array): void {
    if (this.#ended) return;
    let frame: ServerFrame;
    try {
      frame = decodeServerFrame(message);
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause;
      // A newer server's frame that nobody here asked for.
      if (cause.code === "unknown_type") return;
      this.#fail(new ProtocolError(`the server sent a frame that is not understood: ${cause.message}`, { cause }));
      return;
    }
    this.#note(frame);
    if (frame.type !== "closed") this.receiver.onFrame(frame);
  }

  /** Remember what explains the end that follows. */
  #note(frame: ServerFrame): void {
    if (frame.type === "ready") this.#ready = true;
    else if (frame.type === "closed") this.#reason = this.#endError(frame.reason, frame.message);
    else if (frame.type === "failure" && failureInfo(frame.code)?.closeCode !== null && frame.frame === undefined) {
      this.#reason ??= this.#endError(frame.code, frame.message);
    }
  }

  #endError(code: string, message: string | undefined): ZerobootError {
    const text = message ?? failureInfo(code)?.meaning ?? `the server ended the session: ${code}`;
    return this.#ready ? new SessionClosedError(code, text) : new SessionRefusedError(code, text);
  }

  #fail(error: ProtocolError): void {
    if (!this.#ended) this.abort(error);
  }

  #end(error: ZerobootError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.receiver.onEnd(error);
  }

  #gone(end: SocketEnd): void {
    this.#end(this.#reason ?? this.#explain(end));
    this.#onGone?.();
  }

  #explain(end: SocketEnd): ZerobootError {
    if (end.refusal !== undefined) return refusalError(end.refusal);
    const code = codeOf(end.code);
    if (code !== undefined) return this.#endError(code, end.reason || undefined);
    const how = end.cause instanceof Error ? end.cause.message : `close code ${end.code}`;
    if (this.#ready) return new SessionClosedError("connection_lost", `the connection was lost: ${how}`, end);
    return new ConnectionError("connect_failed", `cannot connect: ${how}`, end);
  }
}

/** The registry's code for a WebSocket close code that belongs to one code alone. */
function codeOf(closeCode: number): string | undefined {
  const codes = Object.entries(FAILURES).filter(([, info]) => info.closeCode === closeCode);
  return codes.length === 1 ? codes[0]?.[0] : undefined;
}

/** The handshake was answered by HTTP: with an error body of this server, or by something else. */
function refusalError(refusal: { readonly status: number; readonly body: string }): ZerobootError {
  const { code, error } = parseBody(refusal.body);
  if (typeof code === "string") {
    return new SessionRefusedError(code, typeof error === "string" ? error : `HTTP status ${refusal.status}`);
  }
  return new ConnectionError("connect_failed", `no session endpoint answers there: HTTP status ${refusal.status}`);
}

function parseBody(body: string): { readonly code?: unknown; readonly error?: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
