import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type ReplOptions, repl } from "../../../../../server/src/cli/repl.js";
import { Peer, type PeerConnection, READY } from "../../../client/peer.js";
import { FakeStreams } from "../streams.js";

beforeEach(() => {
  const home = mkdtempSync(join(tmpdir(), "zeroboot-repl-"));
  vi.stubEnv("ZEROBOOT_HOME", home);
  vi.stubEnv("NO_COLOR", "1");
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });
});

/** A REPL whose server the test plays. */
async function start(streams: FakeStreams, options: Partial<ReplOptions> = {}) {
  const peer = await Peer.start();
  onTestFinished(() => peer[Symbol.asyncDispose]());
  const exitCode = repl({ url: peer.url, template: "python", ...options }, streams);
  const server = await peer.accept();
  server.send(READY);
  return { exitCode, server, peer };
}

/** The next cell, whole by the server's own word. @returns its id */
async function cell(server: PeerConnection, code: string): Promise<string> {
  const check = await server.next("check");
  server.send({ type: "checked", id: check.id, status: "complete", indent: "" });
  const execute = await server.next("execute");
  expect(execute.code).toBe(code);
  expect(execute.timeoutMs).toBe(READY.limits.maxTimeoutMs);
  return execute.id;
}

describe("zeroboot repl at a terminal", () => {
  it("greets, runs cells, shows output, value and exception in order, and leaves with Ctrl-D", async () => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until("Zeroboot: python at http://127.0.0.1");
    await streams.until("forked in 0.65 ms");
    await streams.until(">>> ");
    streams.type("a\r");
    const first = await cell(server, "a");
    server.stdout(first, "out\n");
    server.stdout(first, "err\n", "stderr");
    server.stdout(first, "more");
    server.send({ type: "result", id: first, bundle: { "text/plain": "42" } });
    server.done(first);
    await streams.until("out\nerr\nmore");
    await streams.until("42\n");
    await streams.until(">>> ");
    streams.type("b\r");
    const second = await cell(server, "b");
    server.send({ type: "error", id: second, name: "E", message: "m", traceback: "Traceback\nE: m" });
    server.done(second, { status: "error", exitCode: 1 });
    await streams.until("Traceback\nE: m\n");
    await streams.until(">>> ");
    streams.type("\x04");
    expect(await exitCode).toBe(0);
    await server.gone;
  });

  it.each(["exit", "exit()", " quit ( ) "])("leaves with %j", async (text) => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until(">>> ");
    streams.type(`${text}\r`);
    const check = await server.next("check");
    server.send({ type: "checked", id: check.id, status: "complete", indent: "" });
    expect(await exitCode).toBe(0);
  });

  it("reads more of a cell that is not whole", async () => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until(">>> ");
    streams.type("def f():\r");
    const check = await server.next("check");
    expect(check.code).toBe("def f():");
    server.send({ type: "checked", id: check.id, status: "incomplete", indent: "    " });
    await streams.until("... ");
    streams.type("  pass\r");
    server.done(await cell(server, "def f():\n  pass"));
    await streams.until(">>> ");
    streams.type("\x04");
    expect(await exitCode).toBe(0);
  });

  it("completes from the guest", async () => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until(">>> ");
    streams.type("np.ar\t");
    const { id, code, cursor } = await server.next("complete");
    expect([code, cursor]).toEqual(["np.ar", 5]);
    server.send({ type: "completed", id, matches: ["arange"], start: 3, end: 5 });
    await streams.until("ange");
    streams.type("\r");
    server.done(await cell(server, "np.arange"));
    await streams.until(">>> ");
    streams.type("\x04");
    expect(await exitCode).toBe(0);
  });

  it("answers what the cell asks", async () => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until(">>> ");
    streams.type("a\r");
    const id = await cell(server, "a");
    server.send({ type: "inputRequest", id, prompt: "name? ", password: false });
    await streams.until("name? ");
    streams.type("Eva\r");
    expect(Buffer.from((await server.next("stdin")).data).toString()).toBe("Eva\n");
    server.send({ type: "inputRequest", id, prompt: "", password: false });
    streams.type("\x04");
    expect((await server.next("stdin")).eof).toBe(true);
    server.done(id);
    await streams.until(">>> ");
    streams.type("\x04");
    expect(await exitCode).toBe(0);
  });

  it("interrupts the cell on Ctrl-C, then more, and says what came of it", async () => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until(">>> ");
    streams.type("a\r");
    const id = await cell(server, "a");
    streams.type("\x03");
    const first = await server.next("interrupt");
    expect([first.id, first.after]).toEqual([id, undefined]);
    streams.type("\x03");
    const second = await server.next("interrupt");
    expect([second.id, second.after]).toEqual([id, "kill"]);
    server.done(id, { status: "interrupted", exitCode: 130, stateKept: false, stoppedBy: "restart" });
    server.send({ type: "restarted", vmId: "v2", forkTimeUs: 700, reason: "interrupt" });
    await streams.until("zeroboot: restarted after an interrupt: variables, files and processes are gone\n");
    await streams.until(">>> ");
    streams.type("\x04");
    expect(await exitCode).toBe(0);
  });

  it.each([
    ["shutting_down", 1001, 125],
    ["guest_panic", 4520, 137],
  ])("says why the session ended, at the prompt and in a cell: %s", async (reason, closeCode, expected) => {
    for (const isRunning of [false, true]) {
      const streams = new FakeStreams(true);
      const { exitCode, server } = await start(streams);
      await streams.until(">>> ");
      if (isRunning) {
        streams.type("a\r");
        server.done(await cell(server, "a"), { status: "killed", exitCode: 137, stateKept: false });
      }
      server.send({ type: "closed", reason, message: "Why." });
      server.socket.close(closeCode, reason);
      await streams.until(`zeroboot: the session ended: Why. (${reason}), exit code ${expected}\n`);
      expect(await exitCode).toBe(expected);
    }
  });

  it("goes on when a cell is refused", async () => {
    const streams = new FakeStreams(true);
    const { exitCode, server } = await start(streams);
    await streams.until(">>> ");
    streams.type("a\r");
    const id = await cell(server, "a");
    server.send({ type: "failure", code: "queue_full", message: "Full.", frame: "execute", id });
    await streams.until("zeroboot: Full. (queue_full)\n");
    await streams.until(">>> ");
    streams.type("\x04");
    expect(await exitCode).toBe(0);
  });
});

describe("zeroboot repl on a pipe", () => {
  it("runs the cells without prompts, and ends with the exit code of the first that failed", async () => {
    const streams = new FakeStreams();
    streams.stdin.end("a\nb\nc");
    const { exitCode, server } = await start(streams);
    const first = await cell(server, "a\n".trimEnd());
    server.send({ type: "result", id: first, bundle: { "text/plain": "1" } });
    server.done(first);
    server.done(await cell(server, "b"), { status: "error", exitCode: 3 });
    server.done(await cell(server, "c"), { status: "error", exitCode: 4 });
    expect([await exitCode, streams.out, streams.err]).toEqual([3, "1\n", ""]);
  });

  it("gives the cells what they ask for from the same pipe", async () => {
    const streams = new FakeStreams();
    streams.stdin.end("a\nanswer\n");
    const { exitCode, server } = await start(streams);
    const id = await cell(server, "a");
    server.send({ type: "inputRequest", id, prompt: "? ", password: false });
    expect(Buffer.from((await server.next("stdin")).data).toString()).toBe("answer\n");
    server.send({ type: "inputRequest", id, prompt: "? ", password: false });
    expect((await server.next("stdin")).eof).toBe(true);
    server.done(id);
    expect([await exitCode, streams.out]).toEqual([0, "? ? "]);
  });

  it("leaves with 130 on a signal when no cell runs", async () => {
    const streams = new FakeStreams();
    const { exitCode, server } = await start(streams);
    streams.type("a\n");
    server.done(await cell(server, "a"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.emit("SIGINT");
    expect(await exitCode).toBe(130);
  });
});
