import type { Gate } from "../access/gate.js";
import { refused, text } from "../http/responses.js";
import type { Route } from "../http/router.js";
import type { Metrics } from "./metrics.js";
import type { Sources } from "./sources.js";

export interface MetricsRouteOptions {
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly sources: Sources;
}

/** `GET /v1/metrics`: for a key that may read them, or everybody where there are no keys. */
export function metricsRoute({ gate, metrics, sources }: MetricsRouteOptions): Route {
  return {
    methods: ["GET"],
    handle: (request, requestId) => {
      const caller = gate.admit(request, "metrics");
      if ("code" in caller) return refused(caller, requestId);
      return {
        maxBodyBytes: 0,
        tooLarge: () => text(413, "", metrics.contentType),
        answer: async () => text(200, await metrics.render(sources), metrics.contentType),
      };
    },
  };
}
