import { BEARER_SUBPROTOCOL_PREFIX, type FailureCode, SUBPROTOCOL } from "@zeroboot/sdk/protocol";
import type { TransportRequest } from "../transport/transport.js";
import type { HostPolicy } from "./host-policy.js";

/** Who may talk to the server at all: the same for HTTP and WebSocket, before anything else is looked at. */
export function checkOrigin(request: TransportRequest, policy: HostPolicy): FailureCode | undefined {
  const host = request.headers.get("host");
  if (!policy.allowsHost(host)) return "host_forbidden";
  const origin = request.headers.get("origin");
  if (origin !== undefined && !policy.allowsOrigin(origin, host)) return "origin_forbidden";
  return undefined;
}

/** What a session's handshake asks for. */
export interface SessionRequest {
  /** The server's default if undefined. */
  readonly template: string | undefined;
}

/** The subprotocols a client offers, in its order. */
export function offeredSubprotocols(request: TransportRequest): readonly string[] {
  const header = request.headers.get("sec-websocket-protocol") ?? "";
  return header
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** The key the client presents; undefined: none. */
export function presentedKey(request: TransportRequest): string | undefined {
  return bearerHeader(request) ?? bearerSubprotocol(request);
}

/** @returns the options in the query, or why they are refused */
export function parseSessionRequest(query: string): SessionRequest | FailureCode {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (name !== "template" || parameters.getAll(name).length > 1) return "options_invalid";
  }
  const template = parameters.get("template");
  if (template === "") return "options_invalid";
  return { template: template ?? undefined };
}

export function offersSubprotocol(offered: readonly string[]): boolean {
  return offered.includes(SUBPROTOCOL);
}

function bearerHeader(request: TransportRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

/** The way of browsers, which cannot set headers. */
function bearerSubprotocol(request: TransportRequest): string | undefined {
  const entry = offeredSubprotocols(request).find((offered) => offered.startsWith(BEARER_SUBPROTOCOL_PREFIX));
  return entry?.slice(BEARER_SUBPROTOCOL_PREFIX.length);
}
