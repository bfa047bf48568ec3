import { FAILURES, type FailureCode } from "@zeroboot/sdk/protocol";
import type { TransportResponse } from "../transport/transport.js";

type Headers = Readonly<Record<string, string>>;

/** Answers are of the moment, and nobody's page but a listed one may read them. */
const COMMON_HEADERS: Headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

export function json(status: number, value: unknown, headers: Headers = {}): TransportResponse {
  return {
    status,
    headers: { ...COMMON_HEADERS, "content-type": "application/json; charset=utf-8", ...headers },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** An error in the form all HTTP errors have. */
export function failure(code: FailureCode, requestId: string, headers: Headers = {}): TransportResponse {
  const { httpStatus, meaning } = FAILURES[code];
  return json(httpStatus, { error: meaning, code, request_id: requestId }, { "x-request-id": requestId, ...headers });
}

export function noContent(headers: Headers): TransportResponse {
  return { status: 204, headers: { ...COMMON_HEADERS, ...headers }, body: "" };
}
