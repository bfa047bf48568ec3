import type { FailureCode } from "@zeroboot/sdk/protocol";
import type { TlsFiles } from "./tls-files.js";

/**
 * What the server needs of a network library, and nothing of how one does it. The one
 * implementation is uws.ts; nothing else in the server knows it.
 */

/** What a request says, read before any handler runs. Header names are lower case. */
export interface TransportRequest {
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  /** Without the question mark; not decoded. */
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Of an error: for those who count. It is in the body; nothing sends it from here. */
  readonly code?: FailureCode;
}

/** A response whose body comes over time. */
export interface StreamedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Its parts. The next one is asked for when there is room for it, and none when the client is gone: `return()` is
   * called then. Must not throw.
   */
  readonly parts: AsyncIterable<string>;
}

/** An answer that needs the request's body, or time. */
export interface DeferredAnswer {
  /** Of the request. For a larger one the answer is {@link tooLarge}. */
  readonly maxBodyBytes: number;
  tooLarge(): TransportResponse;
  /**
   * Called once the whole body has come. Must not reject.
   * @param body the handler's own copy
   * @param gone aborted when the client is: the answer goes nowhere then
   */
  answer(body: Uint8Array, gone: AbortSignal): Promise<TransportResponse | StreamedResponse>;
}

export type TransportAnswer = TransportResponse | DeferredAnswer;

/**
 * What became of a message: `sent` (or in the kernel's hands), `queued` (send no more until
 * `onDrain`), `dropped` (the queue was full: the stream has a hole and the connection is useless).
 */
export type SendResult = "sent" | "queued" | "dropped";

/** One WebSocket. After `onClose` every method is a no-op. */
export interface Connection {
  readonly remoteAddress: string;
  send(message: Uint8Array): SendResult;
  /** Send all that `work` sends in as few packets as possible. */
  cork(work: () => void): void;
  /** Close with a WebSocket close code; messages sent before it still arrive. `onClose` follows. */
  close(code: number, reason: string): void;
  /** Drop the connection without a word. `onClose` follows. */
  terminate(): void;
}

/** Called by the transport; must not throw. */
export interface ConnectionHandlers {
  /** @param message the handler's own copy */
  onMessage(message: Uint8Array, isBinary: boolean): void;
  /** What was queued has left. */
  onDrain(): void;
  /** Exactly once, whichever side ended it and however. */
  onClose(): void;
}

/** Answer to a WebSocket handshake, given at once: nothing may be awaited in one. */
export type UpgradeDecision =
  | {
      readonly accept: true;
      /** The one subprotocol to confirm, or none. */
      readonly protocol?: string;
      /** The connection stands. */
      open(connection: Connection): ConnectionHandlers;
    }
  | { readonly accept: false; readonly response: TransportResponse };

/** Must not throw. */
export interface TransportHandlers {
  onRequest(request: TransportRequest): TransportAnswer;
  onUpgrade(request: TransportRequest): UpgradeDecision;
}

export interface TransportOptions {
  /** Largest incoming message; a larger one ends its connection. */
  readonly maxMessageBytes: number;
  /** Bytes queued for a slow reader before a message is dropped. */
  readonly maxQueuedBytes: number;
  /** A peer that answers no ping for this long is gone; whole seconds, 8-960. */
  readonly peerTimeoutSeconds: number;
  /** HTTPS and WSS in place of HTTP and WebSocket. */
  readonly tls?: TlsFiles;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface Transport {
  /**
   * @param port 0 = any free port; the answer says which
   * @throws ServerError `port_in_use`, `listen_failed`
   */
  listen(host: string, port: number): Promise<ListenAddress>;
  /** Accept no new connections; those there are stay. Idempotent. */
  stopListening(): void;
  /** Drop every connection. Idempotent. */
  close(): void;
}
