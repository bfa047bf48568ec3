import { describe, expect, it } from "vitest";
import type { Template } from "../../../../native/engine.js";
import { type Health, healthResponse, type ServerStatus, templateHealth } from "../../../../server/src/http/health.js";

const template = { info: { memoryMb: 256 } } as Template;
const health = (status: ServerStatus): Health => ({
  status,
  sessions: 2,
  vms: 3,
  templates: { python: templateHealth(status === "starting" ? { kind: "absent" } : { kind: "ready", template }) },
});

describe("health", () => {
  it("is 200 while sessions can be had", () => {
    const { status, body } = healthResponse(health("ok"));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      status: "ok",
      sessions: 2,
      vms: 3,
      templates: { python: { ready: true, memory_mb: 256, state: "ready" } },
    });
  });

  it.each(["starting", "draining"] as const)("is 503 with a time to come back while %s", (state) => {
    const { status, headers, body } = healthResponse(health(state));
    expect([status, headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(body)).toMatchObject({ status: state });
  });
});

describe("the health of a template", () => {
  it("says how far the making of it is, as far as that is known", () => {
    const progress = { step: "root", title: "root image", percent: 40, secondsLeft: 12 };
    expect(templateHealth({ kind: "building", progress })).toEqual({
      ready: false,
      memory_mb: 0,
      state: "building",
      progress: { step: "root", title: "root image", percent: 40, seconds_left: 12 },
    });
    const waiting = { step: "waiting", title: "waits", percent: undefined, secondsLeft: undefined };
    expect(templateHealth({ kind: "building", progress: waiting }).progress).toEqual({
      step: "waiting",
      title: "waits",
    });
  });

  it("says why there is none", () => {
    expect(templateHealth({ kind: "failed", code: "package_missing" })).toMatchObject({
      ready: false,
      state: "failed",
      error: "package_missing",
    });
    expect(templateHealth({ kind: "absent" })).toEqual({ ready: false, memory_mb: 0, state: "absent" });
  });
});
