import { v7 as uuid } from "uuid";
import { checkOrigin } from "../access/admission.js";
import type { HostPolicy } from "../access/host-policy.js";
import type { TransportRequest, TransportResponse } from "../transport/transport.js";
import { failure, noContent } from "./responses.js";

export interface Route {
  /** GET implies HEAD. */
  readonly methods: readonly string[];
  handle(request: TransportRequest, requestId: string): TransportResponse;
}

/** Answers HTTP requests by path and method; who may ask at all is decided first. */
export function createRouter(
  policy: HostPolicy,
  routes: Readonly<Record<string, Route>>,
): (request: TransportRequest) => TransportResponse {
  const byPath = new Map(Object.entries(routes));
  return (request) => {
    const requestId = uuid();
    const refused = checkOrigin(request, policy);
    if (refused !== undefined) return failure(refused, requestId);
    const route = byPath.get(request.path);
    const response = route === undefined ? failure("not_found", requestId) : dispatch(route, request, requestId);
    const origin = request.headers.get("origin");
    return origin === undefined ? response : readableBy(origin, response);
  };
}

function dispatch(route: Route, request: TransportRequest, requestId: string): TransportResponse {
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (route.methods.includes(method)) return route.handle(request, requestId);
  const allow = [...route.methods, ...(route.methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  return method === "OPTIONS" ? noContent({ allow }) : failure("method_not_allowed", requestId, { allow });
}

/** Let the page of an origin that was found allowed see the answer. */
function readableBy(origin: string, response: TransportResponse): TransportResponse {
  return { ...response, headers: { ...response.headers, "access-control-allow-origin": origin, vary: "origin" } };
}
