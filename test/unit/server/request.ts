import type { TransportAnswer, TransportRequest, TransportResponse } from "../../../server/src/transport/transport.js";

/** A request as a transport has read it; by default one that anybody may make. */
export function request(
  headers: Readonly<Record<string, string>> = {},
  fields: Partial<Omit<TransportRequest, "headers">> = {},
): TransportRequest {
  return {
    method: "GET",
    path: "/v1/session",
    query: "",
    remoteAddress: "127.0.0.1",
    ...fields,
    headers: new Map(Object.entries({ host: "localhost:8080", ...headers })),
  };
}

/** An answer that must not wait for anything. */
export function atOnce(answer: TransportAnswer): TransportResponse {
  if ("status" in answer) return answer;
  throw new TypeError("the answer waits for a body");
}
