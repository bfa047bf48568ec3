import type { TemplateState } from "../templates/template-shelf.js";
import type { TransportResponse } from "../transport/transport.js";
import { json } from "./responses.js";

/** What the server is doing: `starting` until the default template can be forked. */
export type ServerStatus = "starting" | "ok" | "draining";

/** How one of the templates stands. */
export interface TemplateHealth {
  /** Whether it can be forked. */
  readonly ready: boolean;
  /** Of one of its VMs, MiB; 0 until it is ready. */
  readonly memory_mb: number;
  readonly state: TemplateState["kind"];
  /** While it is being made. */
  readonly progress?: {
    readonly step: string;
    readonly title: string;
    readonly percent?: number;
    readonly seconds_left?: number;
  };
  /** Why it could not be made. */
  readonly error?: string;
}

export interface Health {
  readonly status: ServerStatus;
  readonly sessions: number;
  /** Forks being made or alive. */
  readonly vms: number;
  readonly templates: Readonly<Record<string, TemplateHealth>>;
}

export function templateHealth(state: TemplateState): TemplateHealth {
  const common = { ready: state.kind === "ready", memory_mb: 0, state: state.kind };
  switch (state.kind) {
    case "ready":
      return { ...common, memory_mb: state.template.info.memoryMb };
    case "building": {
      const { step, title, percent, secondsLeft } = state.progress;
      const known = {
        ...(percent === undefined ? {} : { percent }),
        ...(secondsLeft === undefined ? {} : { seconds_left: secondsLeft }),
      };
      return { ...common, progress: { step, title, ...known } };
    }
    case "failed":
      return { ...common, error: state.code };
    case "absent":
      return common;
  }
}

/** 200 while sessions can be had, else 503. */
export function healthResponse(health: Health): TransportResponse {
  if (health.status === "ok") return json(200, health);
  return json(503, health, { "retry-after": "1" });
}
