import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Session } from "@zeroboot/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scraped } from "../helpers/metrics.js";
import { poll } from "../helpers/poll.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const WITHIN_MS = 60_000;
const scratch = mkdtempSync(join(tmpdir(), "zeroboot-metrics-"));
const keyFile = join(scratch, "keys.json");
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

let server: ServerProcess;
beforeAll(async () => {
  writeFileSync(keyFile, JSON.stringify(["zb_live_test", { key: "zb_read", role: "metrics" }]));
  server = await ServerProcess.ready(["--api-keys-file", keyFile]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
  rmSync(scratch, { recursive: true });
});

async function scrape(): Promise<Scraped> {
  const response = await fetch(`${server.url}/v1/metrics`, { headers: bearer("zb_read") });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  return new Scraped(await response.text());
}

const connect = () => Session.connect({ url: server.url, apiKey: "zb_live_test" });
const exec = (code: string, accept = "application/json", timeout = 60) =>
  fetch(`${server.url}/v1/exec`, {
    method: "POST",
    headers: { ...bearer("zb_live_test"), "content-type": "application/json", accept },
    body: JSON.stringify({ code, timeout_seconds: timeout }),
  });

/** Catches every interrupt and goes on. */
const STUBBORN = `turns = 0
while True:
    try:
        turns += 1
        while True: turns += 1
    except KeyboardInterrupt: pass`;

describe("/v1/metrics", () => {
  it("adds up to what was done", async () => {
    const before = await scrape();
    expect(before.value("zeroboot_concurrent_forks")).toBe(0);
    const grown = (after: Scraped, name: string, labels?: Record<string, string>) =>
      after.value(name, labels) - before.value(name, labels);

    const session = await connect();
    for (let cell = 0; cell < 3; cell++) await session.run("x = 1");
    await session.run("1 / 0");
    const parked = await poll("the VM parked", WITHIN_MS, async () => {
      const now = await scrape();
      return now.value("zeroboot_vms", { state: "parked" }) === 1 ? now : undefined;
    });
    expect(parked.value("zeroboot_sessions", { template: "python", state: "ready" })).toBe(1);
    expect(parked.value("zeroboot_concurrent_forks")).toBe(1);
    const waiting = session.run("input()", { stdin: "open" });
    const queued = [session.run("1"), session.run("2")];
    await poll("two that wait", WITHIN_MS, async () =>
      (await scrape()).value("zeroboot_queued_executions") === 2 ? true : undefined,
    );
    waiting.write("\n");
    await Promise.all([waiting, ...queued]);
    await session.close();

    using gone = await RawClient.ready(server.url, { headers: bearer("zb_live_test") });
    gone.socket.terminate();
    expect((await exec("print(1)")).status).toBe(200);
    // Beyond help, and nobody is left who needs another VM.
    expect((await exec(STUBBORN, "application/json", 1)).status).toBe(200);
    expect((await exec("print(2)", "text/event-stream").then((response) => response.text())).length).toBeGreaterThan(0);
    expect((await fetch(`${server.url}/v1/exec`, { method: "POST" })).status).toBe(401);
    await server.emptied(WITHIN_MS);

    const after = await poll("all sessions closed, and their VMs taken apart", WITHIN_MS, async () => {
      const now = await scrape();
      const closed = grown(now, "zeroboot_sessions_closed_total");
      return closed === 5 && now.value("zeroboot_vms", { state: "ending" }) === 0 ? now : undefined;
    });
    expect(grown(after, "zeroboot_sessions_opened_total", { template: "python" })).toBe(5);
    expect(grown(after, "zeroboot_forks_total", { template: "python" })).toBe(5);
    expect(grown(after, "zeroboot_fork_time_milliseconds")).toBe(5);
    expect(grown(after, "zeroboot_teardown_time_milliseconds")).toBe(5);
    expect(grown(after, "zeroboot_total_executions", { status: "success" })).toBe(8);
    expect(grown(after, "zeroboot_total_executions", { status: "error" })).toBe(1);
    expect(grown(after, "zeroboot_total_executions", { status: "timeout" })).toBe(1);
    expect(grown(after, "zeroboot_cells_total", { template: "python", status: "ok" })).toBe(8);
    expect(grown(after, "zeroboot_exec_time_milliseconds")).toBe(10);
    expect(grown(after, "zeroboot_total_time_milliseconds")).toBe(3);
    expect(grown(after, "zeroboot_http_requests_total", { route: "/v1/exec", status: "200" })).toBe(3);
    expect(grown(after, "zeroboot_errors_total", { surface: "http", code: "unauthorized" })).toBe(1);
    expect(grown(after, "zeroboot_vm_exits_total", { reason: "mmio" })).toBeGreaterThan(10);
    expect(grown(after, "zeroboot_link_bytes_total", { direction: "to_guest" })).toBeGreaterThan(100);
    expect(grown(after, "zeroboot_link_bytes_total", { direction: "from_guest" })).toBeGreaterThan(100);
    expect(after.value("zeroboot_template_state", { template: "python", state: "ready" })).toBe(1);
    for (const state of ["parked", "running", "ending"]) expect(after.value("zeroboot_vms", { state })).toBe(0);
    expect(after.value("zeroboot_sessions")).toBe(0);
  });

  it("is there for a key of its role, and that key for nothing else", async () => {
    const status = async (path: string, headers: Record<string, string>) =>
      (await fetch(`${server.url}${path}`, { headers })).status;
    expect(await status("/v1/metrics", {})).toBe(401);
    expect(await status("/v1/metrics", bearer("zb_live_test"))).toBe(403);
    expect(await status("/v1/sessions", bearer("zb_read"))).toBe(403);
    expect(await status("/v1/metrics", bearer("zb_read"))).toBe(200);
  });
});
