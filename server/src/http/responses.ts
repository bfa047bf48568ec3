import { FAILURES, type FailureCode } from "@zeroboot/sdk/protocol";
import type { Refusal } from "../access/gate.js";
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

/** @param contentType with its charset */
export function text(status: number, body: string, contentType: string): TransportResponse {
  return { status, headers: { ...COMMON_HEADERS, "content-type": contentType }, body };
}

/** Statuses after which a client may just ask again, and when, in seconds, if nobody knows better. */
const RETRY_AFTER: Readonly<Record<number, string>> = { 429: "1", 503: "1" };

/**
 * An error in the form all HTTP errors have.
 * @param message for people, in place of the code's own meaning
 */
export function failure(
  code: FailureCode,
  requestId: string,
  headers: Headers = {},
  message: string = FAILURES[code].meaning,
): TransportResponse {
  const { httpStatus } = FAILURES[code];
  const retryAfter = RETRY_AFTER[httpStatus];
  const answer = json(
    httpStatus,
    { error: message, code, request_id: requestId },
    {
      "x-request-id": requestId,
      ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
      ...(httpStatus === 401 ? { "www-authenticate": "Bearer" } : {}),
      ...headers,
    },
  );
  return { ...answer, code };
}

/** {@link failure} for who is refused. */
export function refused({ code, message, retryAfter }: Refusal, requestId: string): TransportResponse {
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return failure(code, requestId, headers, message);
}

export function noContent(headers: Headers): TransportResponse {
  return { status: 204, headers: { ...COMMON_HEADERS, ...headers }, body: "" };
}
