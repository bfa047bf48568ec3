import { v7 as uuid } from "uuid";
import { checkOrigin } from "../access/admission.js";
import type { HostPolicy } from "../access/host-policy.js";
import type { Logger } from "../logger.js";
import type { AnsweredRequest } from "../metrics/metrics.js";
import type { StreamedResponse, TransportAnswer, TransportRequest, TransportResponse } from "../transport/transport.js";
import { failure, noContent } from "./responses.js";

export interface Route {
  /** GET implies HEAD. */
  readonly methods: readonly string[];
  handle(request: TransportRequest, requestId: string): TransportAnswer;
}

type AnyResponse = TransportResponse | StreamedResponse;

/** Who is told of every answer; of a streamed one, when it begins. */
export interface RouterObservers {
  readonly log?: Logger;
  readonly count?: (answered: AnsweredRequest) => void;
}

/** What is below a path that ends so is the route's. */
const BELOW = "/*";
/** How long a browser may remember that it may ask, seconds. */
const PREFLIGHT_MAX_AGE = "600";

/**
 * Answers HTTP requests by path and method; who may ask at all is decided first.
 * @param routes by path; one that ends in `/*` has every path with one more part
 */
export function createRouter(
  policy: HostPolicy,
  routes: Readonly<Record<string, Route>>,
  { log, count }: RouterObservers = {},
): (request: TransportRequest) => TransportAnswer {
  const known = new Map(Object.entries(routes));
  const patternOf = (path: string) =>
    [path, path.slice(0, path.lastIndexOf("/")) + BELOW].find((pattern) => known.has(pattern));
  return (request) => {
    const requestId = uuid();
    const start = performance.now();
    const pattern = patternOf(request.path);
    const answered = <R extends AnyResponse>(response: R): R => {
      const ms = performance.now() - start;
      if (log !== undefined) logAnswer(log, requestId, request, response, ms);
      const code = "code" in response ? response.code : undefined;
      count?.({ route: pattern, method: request.method, status: response.status, ms, code });
      return response;
    };
    // Whoever forwards such a request may have read it otherwise: what follows on the connection is nobody's.
    if (isAmbiguous(request)) return answered(failure("request_malformed", requestId, { connection: "close" }));
    const refused = checkOrigin(request, policy);
    if (refused !== undefined) return answered(failure(refused, requestId));
    const route = pattern === undefined ? undefined : known.get(pattern);
    const answer = route === undefined ? failure("not_found", requestId) : dispatch(route, request, requestId);
    const origin = request.headers.get("origin");
    return finish(answer, (response) => answered(origin === undefined ? response : readableBy(origin, response)));
  };
}

/** Whether readers could differ about where its body ends, RFC 9112 6.3. */
function isAmbiguous({ headers }: TransportRequest): boolean {
  const length = headers.get("content-length");
  if (length === undefined) return false;
  return !/^\d{1,15}$/.test(length) || headers.has("transfer-encoding");
}

function dispatch(route: Route, request: TransportRequest, requestId: string): TransportAnswer {
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (route.methods.includes(method)) return route.handle(request, requestId);
  const allow = [...route.methods, ...(route.methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  if (method !== "OPTIONS") return failure("method_not_allowed", requestId, { allow });
  return noContent(request.headers.has("access-control-request-method") ? { allow, ...preflight(allow) } : { allow });
}

/** What a browser asks before it sends a page's request with a key or a body of JSON. */
function preflight(methods: string): Readonly<Record<string, string>> {
  return {
    "access-control-allow-methods": methods,
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": PREFLIGHT_MAX_AGE,
  };
}

/** `work` on the response, whenever there is one. */
function finish(answer: TransportAnswer, work: <R extends AnyResponse>(response: R) => R): TransportAnswer {
  if ("status" in answer) return work(answer);
  return {
    maxBodyBytes: answer.maxBodyBytes,
    tooLarge: () => work(answer.tooLarge()),
    answer: async (body, gone) => work(await answer.answer(body, gone)),
  };
}

/** What a page may read of an answer beside its body. */
const EXPOSED_HEADERS = "retry-after, x-request-id";

/** Let the page of an origin that was found allowed see the answer. */
function readableBy<R extends AnyResponse>(origin: string, response: R): R {
  const readable = {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": EXPOSED_HEADERS,
    vary: "origin",
  };
  return { ...response, headers: { ...response.headers, ...readable } };
}

/** Neither bodies nor queries nor headers: they may have code and keys in them. */
function logAnswer(log: Logger, requestId: string, request: TransportRequest, response: AnyResponse, ms: number) {
  const { method, path } = request;
  const line = { requestId, method, path, status: response.status, ms: Math.round(ms * 1000) / 1000 };
  if (response.status >= 400 || method === "POST" || method === "DELETE") log.info(line, "request");
  else log.debug(line, "request");
}
