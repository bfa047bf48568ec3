import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Session } from "../../client/src/index.js";
import { isEmulated, roomy } from "../helpers/machine.js";
import { poll } from "../helpers/poll.js";
import { RawClient, type RawFrame } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

/** Gives a slow guest all the time it needs: what helps is the first measure. */
let patient: ServerProcess;
/** Goes on to the next measure soon; but killing children takes a second where a guest's kernel is emulated. */
const STRICT_GRACE_MS = isEmulated ? 5000 : 3000;
let strict: ServerProcess;
beforeAll(async () => {
  patient = await ServerProcess.ready(["--interrupt-grace-ms", "60000"]);
  strict = await ServerProcess.ready(["--interrupt-grace-ms", String(STRICT_GRACE_MS)]);
});
afterAll(async () => {
  expect(await patient.stop()).toEqual({ exitCode: 0, signal: null });
  expect(await strict.stop()).toEqual({ exitCode: 0, signal: null });
});

/** Start a cell and wait until it says that it runs. */
async function running(client: RawClient, code: string, more: Record<string, unknown> = {}): Promise<string> {
  const id = client.execute(code, more);
  await client.frame((frame) => frame.type === "stdout" && frame.id === id);
  return id;
}

/** One interrupt; the end of the cell, which has to come within the deadline. */
async function interrupted(client: RawClient, id: string, more: Record<string, unknown> = {}): Promise<RawFrame> {
  const start = performance.now();
  client.send({ type: "interrupt", id, ...more });
  const done = await client.done(id);
  const took = performance.now() - start;
  console.log(`ended ${took.toFixed(0)} ms after the interrupt: ${done.status}, ${done.stoppedBy}`);
  expect(took).toBeLessThan(roomy(500) + 2 * (more.after === "kill" ? STRICT_GRACE_MS : 0));
  return done;
}

const SAY = "print('running', flush=True)\n";
const BY_INTERRUPT = { status: "interrupted", exitCode: 130, stateKept: true, stoppedBy: "interrupt" };
/**
 * Catches every interrupt and goes on. Not `while True: pass`: CPython 3.11 takes an exception that a signal raises
 * at that loop's jump for one raised before the `try`, here as anywhere.
 */
const STUBBORN = `turns = 0
while True:
    try:
        if turns == 0: print('running', flush=True)
        turns += 1
        while True: turns += 1
    except KeyboardInterrupt: pass`;

describe("one interrupt ends a cell and keeps the state", () => {
  it.each([
    ["a tight loop", `${SAY}while True: pass`, {}],
    ["a sleep", `import time\n${SAY}time.sleep(100)`, {}],
    [
      "a long call of numpy",
      `import numpy\nvalues = numpy.random.rand(${isEmulated ? 200_000 : 3_000_000})\n${SAY}for _ in range(10000): numpy.sort(values)`,
      {},
    ],
    ["input()", `${SAY}input()`, { stdin: "open" }],
    ["a child process", `import subprocess\n${SAY}subprocess.run(['sleep', '100'])`, {}],
  ])("%s", async (_, code, more) => {
    using client = await RawClient.ready(patient.url);
    await client.run("n = 7");
    const id = await running(client, code, more);
    expect(await interrupted(client, id)).toMatchObject(BY_INTERRUPT);
    expect((await client.run("n")).result).toBe("7");
  });

  it("20 times right behind its execute, and never the cell after it", async () => {
    using client = await RawClient.ready(patient.url);
    await client.run("n = 7");
    for (let i = 0; i < 20; i++) {
      const id = client.execute("while True: pass");
      client.send({ type: "interrupt", id });
      expect(await client.done(id)).toMatchObject(BY_INTERRUPT);
      expect((await client.run("sum(range(1000)) + n")).result).toBe("499507");
    }
  });

  it("that waits for its turn", async () => {
    using client = await RawClient.ready(patient.url);
    const first = await running(client, `${SAY}while True: pass`);
    const second = client.execute("print('never')");
    client.send({ type: "interrupt", id: second });
    expect(await client.done(second)).toMatchObject({ ...BY_INTERRUPT, executionCount: 1 });
    expect(await interrupted(client, first)).toMatchObject(BY_INTERRUPT);
  });

  it("and one that deals with it goes on, until the next", async () => {
    using client = await RawClient.ready(patient.url);
    const id = await running(
      client,
      `turns = 0\ntry:\n    ${SAY}    turns += 1\n    while True: turns += 1\nexcept KeyboardInterrupt: print('once')\nwhile True: pass`,
    );
    client.send({ type: "interrupt", id });
    await client.frame(
      (frame) => frame.type === "stdout" && String(Buffer.from(frame.data as Uint8Array)).includes("once"),
    );
    expect(await interrupted(client, id)).toMatchObject(BY_INTERRUPT);
  });
});

describe("a timeout", () => {
  it("of a few milliseconds stops the cell and keeps the state", async () => {
    using client = await RawClient.ready(patient.url);
    await client.run("n = 7");
    for (let timeoutMs = 1; timeoutMs <= 8; timeoutMs++) {
      const { done } = await client.run("while True: pass", { timeoutMs });
      expect(done).toMatchObject({ status: "timeout", exitCode: 124, stateKept: true, stoppedBy: "interrupt" });
    }
    expect((await client.run("n")).result).toBe("7");
  });

  it("keeps what the cell had printed", async () => {
    using client = await RawClient.ready(patient.url);
    const { stdout, done } = await client.run("print('partial', flush=True)\nimport time; time.sleep(100)", {
      timeoutMs: isEmulated ? 10_000 : 500,
    });
    expect([stdout, done.status, done.stateKept]).toEqual(["partial\n", "timeout", true]);
  });

  it("that is not heeded puts the session into a fresh VM", async () => {
    using client = await RawClient.ready(strict.url);
    await client.run("n = 7");
    const { done } = await client.run(STUBBORN, { timeoutMs: 500 });
    expect(done).toMatchObject({ status: "timeout", exitCode: 124, stateKept: false, stoppedBy: "restart" });
    expect(await client.frame((frame) => frame.type === "restarted")).toMatchObject({ reason: "timeout" });
    expect((await client.run("n")).error).toMatchObject({ name: "NameError" });
  });
});

describe("an interrupt that may go further", () => {
  it("stops at the first measure that helps", async () => {
    using client = await RawClient.ready(patient.url);
    const id = await running(client, `${SAY}while True: pass`);
    expect(await interrupted(client, id, { after: "kill" })).toMatchObject(BY_INTERRUPT);
  });

  it("kills children that ignore it, and keeps the state", async () => {
    using client = await RawClient.ready(strict.url);
    await client.run("n = 7");
    const id = await running(
      client,
      `import os, signal, time
child = os.fork()
if child == 0:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(1000)
    os._exit(0)
said = False
while True:
    try:
        if not said: print('running', flush=True)
        said = True
        status = os.waitpid(child, 0)[1]
        break
    except KeyboardInterrupt: pass`,
    );
    expect(await interrupted(client, id, { after: "kill" })).toMatchObject({ stateKept: true, stoppedBy: "kill" });
    expect((await client.run("n, os.WTERMSIG(status)")).result).toBe("(7, 9)");
    expect(client.frames.some((frame) => frame.type === "restarted")).toBe(false);
  });

  it("puts the session into a fresh VM, where it goes on at once", async () => {
    using client = await RawClient.ready(strict.url);
    const vmId = client.frames[0]?.vmId;
    await client.run("n = 7");
    const id = await running(client, STUBBORN);
    const waiting = client.execute("print('lost')");
    client.send({ type: "complete", id: "question", code: "n", cursor: 1 });
    const done = await interrupted(client, id, { after: "kill" });
    expect(done).toMatchObject({ status: "interrupted", stateKept: false, stoppedBy: "restart" });
    // Handed over while there is no VM: it waits.
    const next = client.execute("try: print(n)\nexcept NameError: print('fresh')");
    expect(await client.done(waiting)).toMatchObject({ status: "killed", exitCode: 137, stateKept: false });
    expect(await client.failure("restarted")).toMatchObject({ id: "question", frame: "complete" });
    const restarted = await client.frame((frame) => frame.type === "restarted");
    expect(restarted).toMatchObject({ reason: "interrupt", forkTimeUs: expect.any(Number) });
    expect(restarted.vmId).not.toBe(vmId);
    expect(await client.done(next)).toMatchObject({ status: "ok", executionCount: 3, stateKept: true });
    const printed = client.frames.filter((frame) => frame.type === "stdout" && frame.id === next);
    expect(Buffer.concat(printed.map((frame) => frame.data as Uint8Array)).toString()).toBe("fresh\n");
    await poll("the old VM is gone", roomy(1000), async () =>
      (await strict.health()).body.vms === 1 ? true : undefined,
    );
  });

  it("leaves nothing of a session that is cut while its VM is replaced", async () => {
    const client = await RawClient.ready(strict.url);
    const id = await running(client, STUBBORN);
    client.send({ type: "interrupt", id, after: "kill" });
    await client.done(id);
    client.socket.terminate();
    await strict.emptied(roomy(1000));
  });

  it("through the SDK", async () => {
    const restarts: string[] = [];
    await using session = await Session.connect({ url: strict.url, onRestart: ({ reason }) => restarts.push(reason) });
    const { vmId } = session;
    const execution = session.run(STUBBORN);
    for await (const _ of execution.stdout) break;
    execution.interrupt({ after: "kill" });
    expect(await execution).toMatchObject({ status: "interrupted", stateKept: false, stoppedBy: "restart" });
    expect(await session.run("1 + 1")).toMatchObject({ status: "ok", stateKept: true });
    expect(session.vmId).not.toBe(vmId);
    expect(restarts).toEqual(["interrupt"]);
  });
});

/** Leaves 16 MiB, so that the rest is soon gone even where each page fault of a guest takes milliseconds. */
const TAKE_MOST = `import numpy, resource
def field(path, name):
    with open(path) as lines: return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))
room, limit = field("/proc/meminfo", "MemAvailable:"), resource.getrlimit(resource.RLIMIT_DATA)[0]
if limit >= 0: room = min(room, limit - field("/proc/self/status", "VmData:"))
taken = numpy.ones(room - (16 << 20), numpy.uint8)`;
/** Takes the limit away that makes the interpreter raise MemoryError in time. */
const UNLIMITED = "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))";

describe("a guest without memory", () => {
  it("answers a MemoryError and goes on", async () => {
    using client = await RawClient.ready(patient.url);
    await client.run(TAKE_MOST);
    const { error, done } = await client.run("n = 7\nhog = []\nwhile True: hog.append(bytearray(1 << 20))");
    expect([error?.name, done.status, done.stateKept]).toEqual(["MemoryError", "error", true]);
    expect((await client.run("n")).result).toBe("7");
  });

  it("that loses its runtime is replaced", async () => {
    using client = await RawClient.ready(patient.url);
    await client.run(`${UNLIMITED}\n${TAKE_MOST}`);
    const { done } = await client.run("hog = []\nwhile True: hog.append(bytearray(b'x' * (1 << 20)))");
    expect(done).toMatchObject({ status: "killed", exitCode: 137, stateKept: false, stoppedBy: "outOfMemory" });
    expect(await client.frame((frame) => frame.type === "restarted")).toMatchObject({ reason: "outOfMemory" });
    expect((await client.run("40 + 2")).result).toBe("42");
  });
});
