import type { DoneFrame, ServerFrame } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { Metrics } from "../../../../server/src/metrics/metrics.js";
import type { Sources } from "../../../../server/src/metrics/sources.js";
import type { FrameSink } from "../../../../server/src/session/frame-sink.js";
import { IDLE_SOURCES, Scraped } from "../../../helpers/metrics.js";

const SOURCES: Sources = {
  engine: {
    counts: () => ({ vms: 5, reaping: 2, templates: 1 }),
    totals: () => {
      const idle = IDLE_SOURCES.engine.totals();
      return { exits: { ...idle.exits, io: 1, mmio: 20 }, bytesIn: 100, bytesOut: 2000, wakeups: 7, parked: 4 };
    },
  },
  sessions: {
    census: () => ({
      max: 64,
      waitingJobs: 3,
      byTemplateAndState: [
        { template: "python", state: "ready", count: 4 },
        { template: "python", state: "executing", count: 1 },
      ],
    }),
  },
  templates: {
    states: () =>
      new Map([
        ["python", { kind: "absent" } as const],
        ["node", { kind: "building", progress: { step: "root", title: "", percent: 40, secondsLeft: 3 } } as const],
        ["shell", { kind: "failed", code: "package_missing" } as const],
      ]),
  },
};

const metrics = () => new Metrics({ version: "1.2.3", kvm: "hardware" });
const scrape = async (of: Metrics, sources = SOURCES) => new Scraped(await of.render(sources));
const done = (status: DoneFrame["status"], execUs: number): ServerFrame => ({
  type: "done",
  id: "1",
  status,
  exitCode: 0,
  executionCount: 1,
  timings: { queuedUs: 0, execUs },
  truncated: false,
  stateKept: true,
});
const sink = (sent: ServerFrame[] = []): FrameSink => ({
  send: (frame) => {
    sent.push(frame);
    return false;
  },
  cork: (work) => work(),
  end: () => {},
});

describe("metrics", () => {
  it("tell what there is, as it is when they are asked for", async () => {
    const of = metrics();
    for (let round = 0; round < 2; round++) {
      const scraped = await scrape(of);
      expect(scraped.value("zeroboot_concurrent_forks")).toBe(5);
      expect(scraped.value("zeroboot_vms", { state: "parked" })).toBe(4);
      expect(scraped.value("zeroboot_vms", { state: "running" })).toBe(1);
      expect(scraped.value("zeroboot_vms", { state: "ending" })).toBe(2);
      // Read twice, counted once.
      expect(scraped.value("zeroboot_vm_exits_total", { reason: "mmio" })).toBe(20);
      expect(scraped.value("zeroboot_link_bytes_total")).toBe(2100);
      expect(scraped.value("zeroboot_sessions", { template: "python", state: "ready" })).toBe(4);
      expect(scraped.value("zeroboot_queued_executions")).toBe(3);
      expect(scraped.value("zeroboot_template_state", { template: "node", state: "building" })).toBe(1);
      expect(scraped.value("zeroboot_template_state", { template: "node" })).toBe(1);
      expect(scraped.value("zeroboot_template_build_progress_ratio", { template: "node" })).toBe(0.4);
      expect(scraped.value("zeroboot_memory_usage_bytes")).toBeGreaterThan(1024 * 1024);
      expect(scraped.value("zeroboot_private_memory_bytes")).toBeGreaterThan(1024 * 1024);
      expect(scraped.value("zeroboot_build_info", { version: "1.2.3", kvm: "hardware" })).toBe(1);
    }
  });

  it("forget sessions that are gone", async () => {
    const of = metrics();
    await scrape(of);
    const none = { ...SOURCES, sessions: { census: () => ({ max: 64, waitingJobs: 0, byTemplateAndState: [] }) } };
    expect((await scrape(of, none)).value("zeroboot_sessions")).toBe(0);
  });

  it("count what a session's client is told, and pass it on", async () => {
    const of = metrics();
    const sent: ServerFrame[] = [];
    const meter = of.session("python");
    const watched = meter.watch(sink(sent));
    const ready = { type: "ready", forkTimeUs: 1500 } as ServerFrame;
    for (const frame of [
      ready,
      done("ok", 2_000),
      done("error", 3_000),
      done("timeout", 1_000_000),
      done("killed", 0),
      { type: "restarted", vmId: "2", forkTimeUs: 500, reason: "timeout" } as const,
      { type: "failure", code: "queue_full", message: "" } as const,
      { type: "stdout", id: "1", seq: 0, data: new Uint8Array(10) } as const,
    ]) {
      expect(watched.send(frame)).toBe(false);
    }
    watched.end("idle_timeout");
    meter.ending();
    meter.ended();
    expect(sent).toHaveLength(8);
    const scraped = await scrape(of);
    expect(scraped.value("zeroboot_total_executions", { status: "success" })).toBe(1);
    expect(scraped.value("zeroboot_total_executions", { status: "error" })).toBe(2);
    expect(scraped.value("zeroboot_total_executions", { status: "timeout" })).toBe(1);
    expect(scraped.value("zeroboot_cells_total", { template: "python", status: "killed" })).toBe(1);
    expect(scraped.value("zeroboot_fork_time_milliseconds")).toBe(2);
    expect(scraped.value("zeroboot_fork_time_microseconds_total")).toBe(2000);
    expect(scraped.value("zeroboot_exec_time_milliseconds")).toBe(3);
    expect(scraped.value("zeroboot_exec_time_microseconds_total")).toBe(1_005_000);
    expect(scraped.value("zeroboot_restarts_total", { reason: "timeout" })).toBe(1);
    expect(scraped.value("zeroboot_errors_total", { surface: "websocket", code: "queue_full" })).toBe(1);
    expect(scraped.value("zeroboot_sessions_opened_total")).toBe(1);
    expect(scraped.value("zeroboot_sessions_closed_total", { reason: "idle_timeout" })).toBe(1);
    expect(scraped.value("zeroboot_teardown_time_milliseconds")).toBe(1);
  });

  it("say so when nobody was there to be told of a session's end", async () => {
    const of = metrics();
    const meter = of.session("node");
    meter.ending();
    meter.ended();
    expect((await scrape(of)).value("zeroboot_sessions_closed_total", { reason: "client_gone" })).toBe(1);
  });

  it("have only so many series, whatever clients send", async () => {
    const of = metrics();
    for (let i = 0; i < 100; i++) {
      of.answered({ route: undefined, method: `M${i}`, status: 404, ms: 1, code: "not_found" });
    }
    const text = await of.render(SOURCES);
    expect(text.match(/^zeroboot_http_requests_total\{/gm)).toHaveLength(1);
    expect(new Scraped(text).value("zeroboot_http_requests_total", { route: "other", method: "other" })).toBe(100);
    expect(new Scraped(text).value("zeroboot_errors_total", { surface: "http", code: "not_found" })).toBe(100);
  });
});
