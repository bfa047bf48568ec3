import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Session } from "../../client/src/index.js";
import { isEmulated, roomy } from "../helpers/machine.js";
import { poll } from "../helpers/poll.js";
import { output, RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const KIB = 1024;
const MIB = 1024 * KIB;

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--interrupt-grace-ms", "60000"]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");

describe("a lot of output", () => {
  // 100 MB take minutes where the processor is emulated.
  const megabytes = isEmulated ? 10 : 100;

  it(`of one cell, ${megabytes} MB, arrives intact`, { timeout: 600_000 }, async () => {
    using client = await RawClient.ready(server.url);
    const start = performance.now();
    const { done, stdout, stderr } = await client.run(
      `import sys, hashlib
total, filler = hashlib.sha256(), ''.join(chr(32 + i * 7 % 95) for i in range(9990))
for i in range(${megabytes * 100}):
    block = f'{i:09d}\\n' + filler
    total.update(block.encode())
    sys.stdout.write(block)
sys.stderr.write(total.hexdigest())`,
      { timeoutMs: 600_000 },
    );
    console.log(`${megabytes} MB in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    expect(done).toMatchObject({ status: "ok", truncated: false });
    expect(Buffer.byteLength(stdout)).toBe(megabytes * 1_000_000);
    expect(sha256(stdout)).toBe(stderr);
  });

  it("beyond a cell's cap is cut between head and tail, visibly", async () => {
    await using capped = await ServerProcess.ready(["--max-output-bytes", String(64 * KIB)]);
    using client = await RawClient.ready(capped.url);
    expect(client.frames[0]?.limits).toMatchObject({ maxOutputBytes: 64 * KIB });
    const lines = Array.from({ length: 20_000 }, (_, i) => `${String(i).padStart(15, "0")}\n`).join("");
    const code = "import sys\nfor i in range(20000): sys.stdout.write(f'{i:015d}\\n')\nsys.stderr.write('done')\n42";
    const { stdout, stderr, done, result } = await client.run(code);
    const omitted = lines.length - 96 * KIB;
    expect(stdout).toBe(`${lines.slice(0, 64 * KIB)}\n[${omitted} bytes left out]\n${lines.slice(-32 * KIB)}`);
    expect([stderr, result, done.status, done.truncated]).toEqual(["done", "42", "ok", true]);
    const next = await client.run("print('whole')");
    expect([next.stdout, next.done.truncated]).toEqual(["whole\n", false]);
  });

  it("beyond a session's limit ends it, with a name", async () => {
    await using limited = await ServerProcess.ready(["--max-session-output-bytes", "1000000"]);
    using client = await RawClient.ready(limited.url);
    const id = client.execute("while True: print('x' * 1000)");
    expect(await client.done(id)).toMatchObject({ status: "killed", stateKept: false, truncated: true });
    expect(await client.closed).toEqual({ code: 4414, reason: "output_limit" });
    await limited.emptied(roomy(1000));
  });
});

describe("a reader that has stopped", () => {
  /** What docs/protocol.md says that one can make the host hold. */
  const BOUND_BYTES = 6 * MIB;
  /** For pages that the guests themselves write meanwhile, and Node's heap. */
  const NOISE_BYTES = 32 * MIB;
  const READERS = 4;
  const FLOOD = "while True: print('x' * 1000)";

  it("makes the host hold little, hinders nobody, and can be interrupted, timed out and closed", async () => {
    const stalled = await Promise.all(Array.from({ length: READERS }, () => RawClient.ready(server.url)));
    using other = await RawClient.ready(server.url);
    const [first, second] = stalled;
    if (first === undefined || second === undefined) throw new TypeError("no readers");
    for (const client of [...stalled, other]) await client.run("k = 3");
    const before = residentBytes(server.pid);
    const timeoutMs = isEmulated ? 15_000 : 3000;
    const ids = stalled.map((client, i) => {
      client.send({ type: "credit", bytes: 16 * MIB });
      const id = client.execute(FLOOD, i === 1 ? { timeoutMs } : {});
      client.socket.pause();
      return id;
    });
    let most = 0;
    for (let i = 0; i < 10; i++) {
      expect((await other.run("print('here', k)")).stdout).toBe("here 3\n");
      most = Math.max(most, residentBytes(server.pid) - before);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    console.log(`${READERS} stalled readers: ${(most / MIB).toFixed(1)} MiB more at most`);
    expect(most).toBeLessThan(READERS * BOUND_BYTES + NOISE_BYTES);

    first.send({ type: "interrupt", id: ids[0] });
    await new Promise((resolve) => setTimeout(resolve, timeoutMs));
    for (const client of [first, second]) client.socket.resume();
    expect(await first.done(ids[0] ?? "")).toMatchObject({ status: "interrupted", truncated: true, stateKept: true });
    expect(await second.done(ids[1] ?? "")).toMatchObject({ status: "timeout", truncated: true, stateKept: true });
    for (const client of [first, second]) expect((await client.run("k")).result).toBe("3");
    for (const client of [...stalled, other]) client.socket.terminate();
    await server.emptied(roomy(1000));
  });
});

describe("a lot of input", () => {
  it("is held for a cell that waits for its turn, up to the limit", async () => {
    using client = await RawClient.ready(server.url);
    const busy = client.execute("while True: pass");
    const id = client.execute(
      "import sys, hashlib\ndata = sys.stdin.buffer.read()\nprint(len(data), hashlib.sha256(data).hexdigest())",
      {
        stdin: "open",
      },
    );
    const input = Buffer.alloc(MIB, "0123456789abcdef\n");
    for (let at = 0; at < input.length; at += 64 * KIB) {
      client.send({ type: "stdin", id, data: input.subarray(at, at + 64 * KIB) });
    }
    client.send({ type: "stdin", id, data: Buffer.from("one too many") });
    expect(await client.failure("stdin_overflow")).toMatchObject({ frame: "stdin", id });
    client.send({ type: "stdin", id, data: Buffer.alloc(0), eof: true });
    client.send({ type: "interrupt", id: busy });
    await client.done(id);
    const printed = output(
      client.frames.filter((frame) => frame.id === id),
      "stdout",
    );
    expect(printed.toString()).toBe(`${input.length} ${sha256(input)}\n`);
  });

  it("waits in the SDK for a program that reads late, and arrives whole", async () => {
    await using session = await Session.connect({ url: server.url });
    const input = Buffer.alloc(6 * MIB, "the quick brown fox\n");
    const late = session.run(
      "import sys, time, hashlib\ntime.sleep(2)\ndata = sys.stdin.buffer.read()\nprint(len(data), hashlib.sha256(data).hexdigest())",
      { input },
    );
    expect(await late).toMatchObject({ status: "ok", stdout: `${input.length} ${sha256(input)}\n` });
  });
});

describe("a session of which nothing is asked", () => {
  it("ends after its idle time, and not while it works", async () => {
    const idleMs = isEmulated ? 20_000 : 2000;
    await using brief = await ServerProcess.ready(["--session-idle-timeout-ms", String(idleMs)]);
    using client = await RawClient.ready(brief.url);
    const { done } = await client.run(`import time; time.sleep(${(idleMs / 1000) * 1.5})`);
    expect(done.status).toBe("ok");
    expect(await client.closed).toEqual({ code: 4408, reason: "idle_timeout" });
    await poll("no VM left", roomy(1000), async () => ((await brief.health()).body.vms === 0 ? true : undefined));
  });
});

describe("questions", () => {
  it("are answered from the live session, in their turn", async () => {
    await using session = await Session.connect({ url: server.url });
    await session.run("wanted_name = 'ä'");
    const code = "x = 'ä𝄞'; wanted_";
    const completion = await session.complete(code);
    expect(completion).toEqual({ matches: ["wanted_name"], start: code.indexOf("wanted_"), end: code.length });
    expect(await session.check("if True:")).toMatchObject({ status: "incomplete", indent: "    " });
    expect(await session.check("1 + 1")).toMatchObject({ status: "complete" });
    expect(await session.check("def broken(:")).toMatchObject({ status: "invalid" });
    expect(await session.run("1")).toMatchObject({ executionCount: 2 });
  });
});

function residentBytes(pid: number): number {
  const [, kib = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * KIB;
}
