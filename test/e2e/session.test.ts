import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Session } from "../../client/src/index.js";
import { INITIAL_CREDIT_BYTES } from "../../client/src/protocol/limits.js";
import { roomy } from "../helpers/machine.js";
import { poll } from "../helpers/poll.js";
import { output, RawClient, type RawFrame } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready();
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

describe("a session over a bare WebSocket", () => {
  it("is ready first, then runs cells", async () => {
    using client = await RawClient.ready(server.url);
    expect(client.frames[0]).toMatchObject({ type: "ready", template: "python", protocol: 1, resumed: false });
    const cell = await client.run("print(6*7)");
    expect(cell.stdout).toBe("42\n");
    // One print may come in pieces: it is two writes of Python's, and a slow guest is drained between them.
    const pieces = cell.types.slice(1, -1);
    expect(cell.types.at(0)).toBe("started");
    expect(new Set(pieces)).toEqual(new Set(["stdout"]));
    expect(cell.types.at(-1)).toBe("done");
    expect(cell.done).toMatchObject({ status: "ok", exitCode: 0, executionCount: 1, truncated: false });
  });

  it("keeps variables within a session and never across two", async () => {
    using a = await RawClient.ready(server.url);
    using b = await RawClient.ready(server.url);
    await a.run("x = 41");
    expect((await a.run("x + 1")).result).toBe("42");
    expect((await b.run("x")).error).toMatchObject({ name: "NameError" });
    expect((await server.health()).body).toMatchObject({ sessions: 2, vms: 2 });
  });

  it("answers what is queued in order, with one done each", async () => {
    using client = await RawClient.ready(server.url);
    const ids = Array.from({ length: 20 }, (_, i) => client.execute(`print(${i})`));
    for (const id of ids) await client.done(id);
    const order = client.frames.filter((frame) => frame.type === "done").map((frame) => frame.id);
    expect(order).toEqual(ids);
    const sequence = client.frames.filter((frame) => frame.type === "stdout").map((frame) => frame.seq);
    expect(sequence).toEqual(sequence.map((_, i) => i));
  });

  it("says what went wrong in the cell's own words", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("def f(n):\n    return 10 // n");
    const { error, done } = await client.run("# a comment\nf(0)");
    expect(done).toMatchObject({ status: "error", exitCode: 1 });
    expect(error).toMatchObject({ name: "ZeroDivisionError" });
    expect(error?.traceback).toContain('File "<cell 2>", line 2, in <module>');
    expect(error?.traceback).toContain('File "<cell 1>", line 2, in f\n    return 10 // n');
    expect((await client.run("def broken(:")).error).toMatchObject({ name: "SyntaxError" });
    expect((await client.run("import sys; sys.exit(5)")).done).toMatchObject({ status: "error", exitCode: 5 });
    expect((await client.run("import sys; sys.exit()")).done).toMatchObject({ status: "ok", exitCode: 0 });
    expect((await client.run("f(5)")).result).toBe("2");
  });

  describe("has, of any size that may be sent,", () => {
    const letters = 100_000;
    const inSession = (name: string, work: (client: RawClient) => Promise<void>) =>
      it(name, async () => {
        using client = await RawClient.ready(server.url);
        await work(client);
        expect((await client.run("print(1)")).stdout).toBe("1\n");
      });

    inSession("results", async (client) => {
      expect(await client.run(`'r' * ${letters}`)).toMatchObject({ result: `'${"r".repeat(letters)}'` });
    });
    inSession("results that are cut", async (client) => {
      const { done, result } = await client.run("'c' * 1_000_000");
      expect(done).toMatchObject({ status: "ok", truncated: true });
      expect(String(result).length).toBeGreaterThan(letters);
    });
    inSession("errors", async (client) => {
      const { error, done } = await client.run(`raise ValueError('e' * ${letters})`);
      expect(error).toMatchObject({ name: "ValueError", message: "e".repeat(letters) });
      expect(error?.traceback).toContain("e".repeat(letters));
      expect(done).toMatchObject({ status: "error", truncated: false });
    });
    inSession("prompts", async (client) => {
      const id = client.execute(`input('p' * ${letters})`, { stdin: "open" });
      const request = await client.frame((frame) => frame.type === "inputRequest" && frame.id === id);
      expect(String(request.prompt)).toMatch(/^p{1000,}$/);
      client.send({ type: "stdin", id, data: Buffer.from("\n"), eof: true });
      expect(await client.done(id)).toMatchObject({ status: "ok" });
    });
    inSession("answers", async (client) => {
      await client.run("for i in range(100): globals()[f'a_name_of_{\"x\" * 180}_{i}'] = i");
      client.send({ type: "complete", id: "all", code: "a_name_of", cursor: 9 });
      const completed = await client.frame((frame) => frame.type === "completed" && frame.id === "all");
      const matches = completed.matches as readonly string[];
      expect([matches.length, matches[0]?.length]).toEqual([100, 192]);
    });
  });

  it("passes the environment of one cell to that cell alone", async () => {
    using client = await RawClient.ready(server.url);
    const code = "import os; print(os.environ.get('GREETING'))";
    expect((await client.run(code, { env: { GREETING: "päivää = yes" } })).stdout).toBe("päivää = yes\n");
    expect((await client.run(code)).stdout).toBe("None\n");
  });

  it("interrupts a tight loop and a sleep, keeping state", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("n = 7");
    for (const code of ["while True: pass", "import time; time.sleep(100)"]) {
      const id = client.execute(`print('running', flush=True)\n${code}`);
      await client.frame((frame) => frame.type === "stdout" && frame.id === id);
      client.send({ type: "interrupt", id });
      expect(await client.done(id)).toMatchObject({ status: "interrupted", exitCode: 130 });
    }
    expect((await client.run("n")).result).toBe("7");
  });

  it("times a cell out, keeps what it printed and the state", async () => {
    using client = await RawClient.ready(server.url);
    const cell = await client.run("k = 3\nprint('partial', flush=True)\nwhile True: pass", { timeoutMs: 500 });
    expect(cell.done).toMatchObject({ status: "timeout", exitCode: 124 });
    expect(cell.stdout).toBe("partial\n");
    expect((await client.run("k")).result).toBe("3");
  });

  it("holds the guest while the client gives no credit, and loses nothing", async () => {
    using client = await RawClient.ready(server.url, { credit: false });
    const id = client.execute("import sys\nfor i in range(65536): sys.stdout.write(f'{i:015d}\\n')");
    let received = 0;
    for (let next = 0; ; next++) {
      const frame = await client.frame((of) => client.frames.indexOf(of) >= next && of.id === id);
      next = client.frames.indexOf(frame);
      if (frame.type === "done") break;
      if (frame.type !== "stdout") continue;
      received += (frame.data as Uint8Array).length;
      const mostAhead =
        client.frames.filter((of) => of.type === "stdout").reduce((n, of) => n + length(of), 0) - received;
      expect(mostAhead).toBeLessThanOrEqual(256 * 1024);
      client.send({ type: "credit", bytes: length(frame) });
    }
    expect(received).toBe(65_536 * 16);
    const text = Buffer.concat(client.frames.filter((of) => of.type === "stdout").map((of) => of.data as Uint8Array));
    expect(
      text
        .toString()
        .split("\n")
        .slice(0, -1)
        .every((line, i) => Number(line) === i),
    ).toBe(true);
  });

  it("serves another session while one has stopped reading", async () => {
    using stalled = await RawClient.ready(server.url, { credit: false });
    using other = await RawClient.ready(server.url);
    const id = stalled.execute("while True: print('x' * 1000)");
    const received = () => output(stalled.frames, "stdout").length;
    await poll("its credit to be used up", roomy(30_000), () => received() === INITIAL_CREDIT_BYTES || undefined);
    expect((await other.run("print('here')")).stdout).toBe("here\n");
    stalled.send({ type: "interrupt", id });
    expect(await stalled.done(id)).toMatchObject({ status: "interrupted", truncated: true });
  });

  it("gives input to a cell that asks for it", async () => {
    using client = await RawClient.ready(server.url);
    const id = client.execute("print(input('name? ')[::-1])", { stdin: "open" });
    expect(await client.frame((frame) => frame.type === "inputRequest")).toMatchObject({ id, prompt: "name? " });
    client.send({ type: "stdin", id, data: Buffer.from("abc\n"), eof: true });
    await client.done(id);
    expect((await client.run("input()")).error).toMatchObject({ name: "EOFError" });
  });

  it("never shows one VM's secret to another", async () => {
    using a = await RawClient.ready(server.url);
    using b = await RawClient.ready(server.url);
    const secret = randomBytes(32);
    const masked = Buffer.from(secret.map((byte) => byte ^ 0xff)).toString("hex");
    await a.run(`secret = bytes(255 - byte for byte in bytes.fromhex("${masked}"))`);
    // The searcher takes the secret apart byte by byte: it cannot find itself.
    const search = `
import mmap, os, re
needle = re.compile(b"".join(b"[" + re.escape(bytes([255 - byte])) + b"]" for byte in bytes.fromhex("${masked}")))
found, pages = False, 0
memory = os.open("/dev/mem", os.O_RDONLY)
# Mapped, not read: read() copies in the guest's kernel, which some hosts emulate.
for line in open("/proc/iomem"):
    where, name = line.split(":")
    if line[0] == " " or name.strip() != "System RAM":
        continue
    start, end = (int(text, 16) for text in where.split("-"))
    start, end = start + 4095 & ~4095, end + 1 & ~4095
    for at in range(start, end, 1 << 21):
        with mmap.mmap(memory, min(1 << 21, end - at), mmap.MAP_SHARED, mmap.PROT_READ, offset=at) as view:
            pages += len(view) >> 12
            found = found or needle.search(view) is not None
print(found, pages > 10000)
`;
    expect((await a.run(search)).stdout).toBe("True True\n");
    expect((await b.run(search)).stdout).toBe("False True\n");
  });
});

describe("the SDK's session", () => {
  it("streams, awaits and closes", async () => {
    await using session = await Session.connect({ url: server.url });
    const seen: string[] = [];
    const execution = session.run("for i in range(3): print(i, flush=True)\n'value'", {
      onStdout: (text) => seen.push(text),
    });
    const ran = await execution;
    expect(ran).toMatchObject({ status: "ok", exitCode: 0, stdout: "0\n1\n2\n", executionCount: 1 });
    expect(ran.result?.["text/plain"]).toBe("'value'");
    expect(seen.join("")).toBe("0\n1\n2\n");
    expect(session.forkTimeUs).toBeGreaterThan(0);
  });

  it("iterates over output as it comes", async () => {
    await using session = await Session.connect({ url: server.url });
    const execution = session.run("import sys\nfor i in range(5): print(i, flush=True)");
    let text = "";
    for await (const chunk of execution.stdout) text += chunk;
    expect(text).toBe("0\n1\n2\n3\n4\n");
    await execution;
  });

  it("tells why a session ended: the guest's runtime exited", async () => {
    const session = await Session.connect({ url: server.url });
    expect(await session.run("import os; os._exit(9)")).toMatchObject({ status: "killed", exitCode: 137 });
    expect(await session.closed).toMatchObject({ code: "agent_exited" });
    await server.emptied(10_000);
  });

  it("refuses a template nobody serves, with a typed error", async () => {
    await expect(Session.connect({ url: server.url, template: "cobol" })).rejects.toMatchObject({
      code: "template_unknown",
    });
  });
});

function length(frame: RawFrame): number {
  return (frame.data as Uint8Array).length;
}
