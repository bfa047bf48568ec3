import type { TransportResponse } from "../transport/transport.js";
import { json } from "./responses.js";

/** What the server is doing: `starting` until the default template can be forked. */
export type ServerStatus = "starting" | "ok" | "draining";

export interface Health {
  readonly status: ServerStatus;
  readonly sessions: number;
  /** Forks being made or alive. */
  readonly vms: number;
  readonly templates: Readonly<Record<string, { readonly ready: boolean; readonly memory_mb: number }>>;
}

/** 200 while sessions can be had, else 503. */
export function healthResponse(health: Health): TransportResponse {
  if (health.status === "ok") return json(200, health);
  return json(503, health, { "retry-after": "1" });
}
