/** Where to connect, and as whom. */
export interface SocketRequest {
  /** ws: or wss: URL of the session endpoint. */
  readonly url: string;
  readonly apiKey: string | undefined;
}

/** How a connection ended. */
export interface SocketEnd {
  /** WebSocket close code; 1006 when there was no closing handshake. */
  readonly code: number;
  readonly reason: string;
  /** The handshake was answered by HTTP instead. */
  readonly refusal?: { readonly status: number; readonly body: string };
  readonly cause?: unknown;
}

export interface SocketHandlers {
  onMessage(message: Uint8Array): void;
  /** A text message, which this protocol does not have. */
  onText(): void;
  /** Exactly once, and the last call. */
  onEnd(end: SocketEnd): void;
}

/** One WebSocket, connecting or open. After `onEnd` every method is a no-op. */
export interface Socket {
  /** Bytes handed to `send` that have not left. */
  readonly bufferedBytes: number;
  /** Legal once a message has arrived. */
  send(message: Uint8Array): void;
  /** Close with code 1000. `onEnd` follows when the server has answered. */
  close(): void;
  /** Drop the connection without waiting for anybody. `onEnd` follows. */
  terminate(): void;
}

/** What differs between Node and browsers. */
export interface Platform {
  /** Where to connect when the program names no URL. */
  defaultUrl(): string;
  /**
   * Start connecting; handlers report.
   * @throws InvalidOptionError if the API key cannot be transmitted
   */
  openSocket(request: SocketRequest, handlers: SocketHandlers): Socket;
}
