import { describe, expect, it } from "vitest";
import { type Health, healthResponse, type ServerStatus } from "../../../../server/src/http/health.js";

const health = (status: ServerStatus): Health => ({
  status,
  sessions: 2,
  vms: 3,
  templates: { python: { ready: status !== "starting", memory_mb: 256 } },
});

describe("health", () => {
  it("is 200 while sessions can be had", () => {
    const { status, body } = healthResponse(health("ok"));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      status: "ok",
      sessions: 2,
      vms: 3,
      templates: { python: { ready: true, memory_mb: 256 } },
    });
  });

  it.each(["starting", "draining"] as const)("is 503 with a time to come back while %s", (state) => {
    const { status, headers, body } = healthResponse(health(state));
    expect([status, headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(body)).toMatchObject({ status: state });
  });
});
