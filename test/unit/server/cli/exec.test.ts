import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { exec as runExec } from "../../../../server/src/cli/exec.js";
import { runCli } from "../../../../server/src/cli/program.js";
import { Peer, type PeerConnection, READY } from "../../client/peer.js";
import { FakeStreams } from "./streams.js";

let out = "";
let err = "";

beforeEach(() => {
  out = err = "";
  for (const [stream, keep] of [
    [process.stdout, (text: string) => (out += text)],
    [process.stderr, (text: string) => (err += text)],
  ] as const) {
    const spy = vi.spyOn(stream, "write").mockImplementation((data) => {
      keep(typeof data === "string" ? data : Buffer.from(data).toString());
      return true;
    });
    onTestFinished(() => spy.mockRestore());
  }
  // The test runner's own is no program's input.
  const stdin = vi.spyOn(process, "stdin", "get").mockReturnValue(new PassThrough() as never);
  onTestFinished(() => stdin.mockRestore());
});

async function startPeer(): Promise<Peer> {
  const peer = await Peer.start();
  onTestFinished(() => peer[Symbol.asyncDispose]());
  return peer;
}

/** Run `zeroboot exec` against a server that is played by `serve` once the cell has come. */
async function exec(args: readonly string[], serve: (server: PeerConnection, id: string) => void): Promise<number> {
  const peer = await startPeer();
  const exitCode = runCli(["exec", "--url", peer.url, ...args]);
  const server = await peer.accept();
  server.send(READY);
  serve(server, (await server.next("execute")).id);
  return exitCode;
}

/** `zeroboot exec` on streams of the test's own, connected to a server that the test plays. */
async function begun(code: string, streams: FakeStreams) {
  const peer = await startPeer();
  const exitCode = runExec(code, { url: peer.url, template: "python" }, streams);
  const server = await peer.accept();
  server.send(READY);
  return { server, exitCode };
}

describe("zeroboot exec --url", () => {
  it("passes output on as bytes, streams apart, and ends with the program's exit code", async () => {
    const code = await exec(["1"], (server, id) => {
      server.stdout(id, "out\n");
      server.stdout(id, "err\n", "stderr");
      server.done(id, { status: "error", exitCode: 3 });
    });
    expect([code, out, err]).toEqual([3, "out\n", "err\n"]);
  });

  it("shows a traceback, and a value only if asked to", async () => {
    const play = (server: PeerConnection, id: string) => {
      server.send({ type: "result", id, bundle: { "text/plain": "42" } });
      server.send({ type: "error", id, name: "E", message: "m", traceback: "Traceback: E" });
      server.done(id, { status: "error", exitCode: 1 });
    };
    expect([await exec(["1"], play), out, err]).toEqual([1, "", "Traceback: E\n"]);
    expect([await exec(["--print", "1"], play), out]).toEqual([1, "42\n"]);
  });

  it("ends with 124 when the program ran out of time, which it is told in milliseconds", async () => {
    const peer = await startPeer();
    const exitCode = runCli(["exec", "--url", peer.url, "--timeout", "1.5", "while True: pass"]);
    const server = await peer.accept();
    server.send(READY);
    const { id, timeoutMs, code } = await server.next("execute");
    expect([timeoutMs, code]).toEqual([1500, "while True: pass"]);
    server.done(id, { status: "timeout", exitCode: 124 });
    expect(await exitCode).toBe(124);
    expect(err).toContain("ran out of time");
  });

  it("gives a program without a timeout the longest the server allows", async () => {
    const peer = await startPeer();
    const exitCode = runCli(["exec", "--url", peer.url, "1"]);
    const server = await peer.accept();
    server.send({ ...READY, limits: { ...READY.limits, maxTimeoutMs: 7_000, defaultTimeoutMs: 5_000 } });
    const { id, timeoutMs } = await server.next("execute");
    expect(timeoutMs).toBe(7_000);
    server.done(id);
    expect(await exitCode).toBe(0);
  });

  it("passes standard input on, with its end", async () => {
    const streams = new FakeStreams();
    streams.stdin.write("abc\n");
    const { server, exitCode } = await begun("1", streams);
    const { id, stdin } = await server.next("execute");
    expect(stdin).toBe("open");
    expect(Buffer.from((await server.next("stdin")).data).toString()).toBe("abc\n");
    server.send({ type: "inputRequest", id, prompt: "? ", password: false });
    await streams.until("? ");
    streams.stdin.end("d");
    expect(Buffer.from((await server.next("stdin")).data).toString()).toBe("d");
    expect((await server.next("stdin")).eof).toBe(true);
    server.done(id);
    expect([await exitCode, streams.shown]).toEqual([0, "? "]);
  });

  it("does not wait for an input that never ends", async () => {
    const streams = new FakeStreams();
    const { server, exitCode } = await begun("1", streams);
    server.done((await server.next("execute")).id);
    expect(await exitCode).toBe(0);
  });

  it("tells of a program that took all memory, after which the session could go on", async () => {
    const streams = new FakeStreams();
    const { server, exitCode } = await begun("1", streams);
    const { id } = await server.next("execute");
    server.done(id, { status: "killed", exitCode: 137, stateKept: false, stoppedBy: "outOfMemory" });
    expect([await exitCode, streams.err]).toEqual([137, "zeroboot: the program took all of the VM's memory\n"]);
  });

  it("says that the server cut output, and not that it was not kept here", async () => {
    for (const truncated of [false, true]) {
      const streams = new FakeStreams();
      const { server, exitCode } = await begun("1", streams);
      const { id } = await server.next("execute");
      server.stdout(id, "out");
      server.done(id, { truncated });
      expect([await exitCode, streams.err]).toEqual([0, truncated ? "zeroboot: output was cut\n" : ""]);
    }
  });

  it("keeps the order of standard output and error", async () => {
    const streams = new FakeStreams();
    const { server, exitCode } = await begun("1", streams);
    const { id } = await server.next("execute");
    for (let at = 0; at < 50; at++) {
      server.stdout(id, `o${at} `);
      if (at % 3 === 0) server.stdout(id, `e${at} `, "stderr");
    }
    server.done(id);
    expect(await exitCode).toBe(0);
    const expected = Array.from({ length: 50 }, (_, at) => (at % 3 === 0 ? `o${at} e${at} ` : `o${at} `));
    expect(streams.shown).toBe(expected.join(""));
  });

  it.each([
    ["agent_exited", 4523, 137],
    ["shutting_down", 1001, 125],
    ["lifetime_exceeded", 4411, 125],
  ])("tells a program that ended its VM from a server that did: %s", async (reason, closeCode, exitCode) => {
    const code = await exec(["1"], (server, id) => {
      server.done(id, { status: "killed", exitCode: 137 });
      server.send({ type: "closed", reason, message: "Why." });
      server.socket.close(closeCode, reason);
    });
    expect(code).toBe(exitCode);
    expect(err).toBe(`zeroboot: Why. (${reason})\n`);
  });

  it("ends with 125 when the server gives no session, and names the server's reason", async () => {
    const peer = await startPeer();
    const exitCode = runCli(["exec", "--url", peer.url, "--api-key", "k", "1"]);
    const server = await peer.accept();
    expect(server.request.headers.authorization).toBe("Bearer k");
    server.send({ type: "failure", code: "unauthorized", message: "No." });
    server.socket.close(4401, "unauthorized");
    expect(await exitCode).toBe(125);
    expect(err).toContain("zeroboot: No. (unauthorized)");
  });

  it("ends with 125 when nobody is there", async () => {
    expect(await runCli(["exec", "--url", "http://127.0.0.1:1", "1"])).toBe(125);
    expect(err).toContain("(connect_failed)");
  });

  it("ends with 125 when the connection breaks", async () => {
    const code = await exec(["1"], (server) => server.socket.terminate());
    expect([code, err.includes("(connection_lost)")]).toEqual([125, true]);
  });

  it("interrupts the program on SIGINT and ends with what that makes of it", async () => {
    const code = await exec(["1"], (server, id) => {
      process.emit("SIGINT");
      void server.next("interrupt").then(() => server.done(id, { status: "interrupted", exitCode: 130 }));
    });
    expect(code).toBe(130);
  });

  it("ends quietly with 130 on SIGINT while it still connects", async () => {
    const peer = await startPeer();
    const exitCode = runCli(["exec", "--url", peer.url, "1"]);
    const server = await peer.accept();
    process.emit("SIGINT");
    expect([await exitCode, err]).toEqual([130, ""]);
    await server.gone;
  });
});
