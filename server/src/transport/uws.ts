import type { HttpRequest, HttpResponse, us_listen_socket, us_socket_context_t, WebSocket } from "uWebSockets.js";
import { listenError } from "./listen-error.js";
import type {
  Connection,
  ConnectionHandlers,
  ListenAddress,
  SendResult,
  Transport,
  TransportHandlers,
  TransportOptions,
  UpgradeDecision,
} from "./transport.js";
import { answerRequest, readRequest, respond } from "./uws-http.js";
import { loadUws, type UwsModule } from "./uws-module.js";

/** uSockets shares a port between processes unless told otherwise; 1 = LIBUS_LISTEN_EXCLUSIVE_PORT. */
const EXCLUSIVE_PORT = 1;

/** `DISABLED` of uWebSockets.js, which its types export as a type only. */
const NO_COMPRESSION = 0;

/** `WebSocket.send` results of uWebSockets.js. */
const SEND_RESULTS: readonly SendResult[] = ["queued", "sent", "dropped"];

/** The library's own type lacks the form with both host and options, which it has. */
interface ListenWithOptions {
  listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): void;
}

interface SocketData {
  readonly remoteAddress: string;
  readonly open: Extract<UpgradeDecision, { accept: true }>["open"];
  socket?: UwsConnection;
  handlers?: ConnectionHandlers;
}

/**
 * The transport on uWebSockets.js.
 *
 * A broken rule of that library ends the process from C++, so they are all kept here and in uws-http.ts:
 * messages are copied, a closed socket is never touched, handlers never throw.
 * @throws ServerError `node_unsupported`, `native_module_missing`, `native_module_mismatch`, `tls_invalid`
 */
export async function createUwsTransport(handlers: TransportHandlers, options: TransportOptions): Promise<Transport> {
  return new UwsTransport(await loadUws(), handlers, options);
}

class UwsTransport implements Transport {
  readonly #uws: UwsModule;
  readonly #app: ReturnType<UwsModule["App"]>;
  #listening: us_listen_socket | undefined;
  #closed = false;

  constructor(uws: UwsModule, handlers: TransportHandlers, options: TransportOptions) {
    this.#uws = uws;
    const { tls } = options;
    this.#app = tls === undefined ? uws.App() : uws.SSLApp({ cert_file_name: tls.certificate, key_file_name: tls.key });
    this.#app.ws<SocketData>("/*", {
      compression: NO_COMPRESSION,
      maxPayloadLength: options.maxMessageBytes,
      maxBackpressure: options.maxQueuedBytes,
      closeOnBackpressureLimit: false,
      idleTimeout: options.peerTimeoutSeconds,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => upgrade(handlers, response, request, context),
      open: (ws) => open(ws),
      message: (ws, message, isBinary) => {
        ws.getUserData().handlers?.onMessage(new Uint8Array(message.slice(0)), isBinary);
      },
      // The library also calls when only a part has left. Sending more each time would fill the queue of
      // whoever reads a little at a time, until a message is dropped.
      drain: (ws) => {
        if (ws.getBufferedAmount() === 0) ws.getUserData().handlers?.onDrain();
      },
      close: (ws) => closed(ws.getUserData()),
    });
    this.#app.any("/*", (response, request) => {
      answerRequest(handlers, response, request);
    });
  }

  listen(host: string, port: number): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      (this.#app as unknown as ListenWithOptions).listen(host, port, EXCLUSIVE_PORT, (socket) => {
        if (socket === false) {
          listenError(host, port).then(reject, reject);
          return;
        }
        this.#listening = socket;
        resolve({ host, port: this.#uws.us_socket_local_port(socket) });
      });
    });
  }

  stopListening(): void {
    if (this.#listening === undefined) return;
    this.#uws.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listening = undefined;
    this.#app.close();
  }
}

/** One WebSocket; lets go of the library's socket the moment that is closed. */
class UwsConnection implements Connection {
  readonly remoteAddress: string;
  #ws: WebSocket<SocketData> | undefined;
  #corked = false;
  /** Asked for while corked. */
  #closing: { readonly code: number; readonly reason: string } | undefined;

  constructor(ws: WebSocket<SocketData>, remoteAddress: string) {
    this.#ws = ws;
    this.remoteAddress = remoteAddress;
  }

  get isOpen(): boolean {
    return this.#ws !== undefined;
  }

  send(message: Uint8Array): SendResult {
    if (this.#ws === undefined || this.#closing !== undefined) return "dropped";
    return SEND_RESULTS[this.#ws.send(message, true)] ?? "dropped";
  }

  cork(work: () => void): void {
    if (this.#ws === undefined || this.#corked) return work();
    this.#corked = true;
    try {
      this.#ws.cork(work);
    } finally {
      this.#corked = false;
      if (this.#closing !== undefined) this.close(this.#closing.code, this.#closing.reason);
    }
  }

  close(code: number, reason: string): void {
    if (this.#corked) {
      // Closed while corked, the library would never send the FIN.
      this.#closing ??= { code, reason };
      return;
    }
    const ws = this.#ws;
    this.#ws = undefined;
    ws?.end(code, reason);
  }

  terminate(): void {
    const ws = this.#ws;
    this.#ws = undefined;
    ws?.close();
  }

  /** The library closed the socket: it must not be touched any more. */
  released(): void {
    this.#ws = undefined;
  }
}

function upgrade(
  handlers: TransportHandlers,
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
): void {
  const read = readRequest(response, request);
  const decision = handlers.onUpgrade(read);
  if (!decision.accept) {
    respond(response, decision.response, false);
    return;
  }
  const data: SocketData = { remoteAddress: read.remoteAddress, open: decision.open };
  response.upgrade(
    data,
    read.headers.get("sec-websocket-key") ?? "",
    decision.protocol ?? "",
    read.headers.get("sec-websocket-extensions") ?? "",
    context,
  );
}

function open(ws: WebSocket<SocketData>): void {
  const data = ws.getUserData();
  const socket = new UwsConnection(ws, data.remoteAddress);
  data.socket = socket;
  const handlers = data.open(socket);
  data.handlers = handlers;
  if (!socket.isOpen) handlers.onClose();
}

/** Runs within `end()` too, hence also within {@link open}, before there are handlers. */
function closed(data: SocketData): void {
  data.socket?.released();
  data.handlers?.onClose();
}
