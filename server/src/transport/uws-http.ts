/**
 * HTTP on uWebSockets.js. Its rules, which it enforces by ending the process: a request is read before its
 * handler returns; a response that outlives the handler has an `onAborted` and is not touched after it, nor after
 * `end`; chunks of a body are copied.
 */

import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { STATUS_CODES } from "node:http";
import type {
  DeferredAnswer,
  StreamedResponse,
  TransportHandlers,
  TransportRequest,
  TransportResponse,
} from "./transport.js";

const NOT_MODIFIED = 304;

/** Answer a request, at once or when its body has come and the answer is there. */
export function answerRequest(handlers: TransportHandlers, response: HttpResponse, request: HttpRequest): void {
  const read = readRequest(response, request);
  const answer = handlers.onRequest(read);
  const isHead = read.method === "HEAD";
  if ("status" in answer) respond(response, answer, isHead);
  else defer(answer, response, read, isHead);
}

function defer(deferred: DeferredAnswer, response: HttpResponse, request: TransportRequest, isHead: boolean): void {
  const gone = new AbortController();
  const body = new BoundedBody(deferred.maxBodyBytes);
  /** The response must not be touched any more. */
  let over = false;
  const send = (answer: TransportResponse | StreamedResponse): void => {
    if (over) return;
    over = true;
    if ("parts" in answer) void stream(response, answer, gone.signal);
    else response.cork(() => respond(response, answer, isHead));
  };
  response.onAborted(() => {
    over = true;
    gone.abort();
  });
  // What still comes of it is thrown away: closed upon, many a client would never read the answer.
  if (Number(request.headers.get("content-length") ?? 0) > deferred.maxBodyBytes) return send(deferred.tooLarge());
  response.onData((chunk, isLast) => {
    if (over) return;
    if (!body.add(chunk)) return send(deferred.tooLarge());
    if (isLast) void deferred.answer(body.bytes(), gone.signal).then((answer) => send(answer));
  });
}

/** Send a body part by part, each when the one before it has left; nothing once the client is gone. */
async function stream(response: HttpResponse, answer: StreamedResponse, gone: AbortSignal): Promise<void> {
  let wake: (() => void) | undefined;
  const drained = () => {
    wake?.();
    return true;
  };
  gone.addEventListener("abort", drained, { once: true });
  response.onWritable(drained);
  response.cork(() => writeHead(response, answer));
  for await (const part of answer.parts) {
    if (gone.aborted) return;
    let taken = false;
    response.cork(() => {
      taken = response.write(part);
    });
    if (taken) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (gone.aborted) return;
  }
  gone.removeEventListener("abort", drained);
  if (!gone.aborted) response.cork(() => response.end());
}

/** A body as it comes, up to a limit; in one piece, so that many small chunks cost no more than one. */
class BoundedBody {
  readonly #limit: number;
  #bytes = Buffer.alloc(0);
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False: it would be larger than the limit. */
  add(chunk: ArrayBuffer): boolean {
    const length = this.#length + chunk.byteLength;
    if (length > this.#limit) return false;
    if (length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.min(this.#limit, Math.max(length, 2 * this.#bytes.length)));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes.set(new Uint8Array(chunk), this.#length);
    this.#length = length;
    return true;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

export function readRequest(response: HttpResponse, request: HttpRequest): TransportRequest {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    // Two Host or Origin headers must not pass as the one that is allowed.
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  });
  return {
    method: request.getMethod().toUpperCase(),
    path: request.getUrl(),
    // Undefined where there is none, whatever the library's types say.
    query: request.getQuery() ?? "",
    headers,
    remoteAddress: Buffer.from(response.getRemoteAddressAsText()).toString("latin1"),
  };
}

export function respond(response: HttpResponse, answer: TransportResponse, isHead: boolean): void {
  writeHead(response, answer);
  if (answer.status === NOT_MODIFIED) {
    // A length would be taken for that of the file it does not send.
    response.endWithoutBody();
    return;
  }
  if (!isHead) {
    response.end(answer.body, answer.headers.connection === "close");
    return;
  }
  // Given the length itself, the library takes the response for unfinished and ends the process.
  response.writeHeader("content-length", String(Buffer.byteLength(answer.body)));
  response.endWithoutBody();
}

function writeHead(response: HttpResponse, { status, headers }: TransportResponse | StreamedResponse): void {
  response.writeStatus(`${status} ${STATUS_CODES[status] ?? "Unknown"}`);
  for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
}
