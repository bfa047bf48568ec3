import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureArtefacts } from "../../native/guest/build/index.js";
import { roomy } from "../helpers/machine.js";
import { poll } from "../helpers/poll.js";
import { zeroboot } from "../helpers/program.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const PROMPTLY_MS = roomy(5_000);
const HUGE_PAGE_BYTES = 2 * 1024 * 1024;
const ELF_MAGIC = Buffer.from("\x7fELF", "latin1");

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--template", "node"]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

describe("cells of JavaScript", () => {
  it("share one scope, in which names are declared again", async () => {
    using client = await RawClient.ready(server.url);
    expect(client.frames[0]).toMatchObject({ type: "ready", template: "node" });
    const first = await client.run(
      "const n = 1; let list = [1, 2, 3]; class A { who() { return 'a' } }; function f() { return 1 }",
    );
    expect(first.done).toMatchObject({ status: "ok", exitCode: 0, executionCount: 1 });
    const again = await client.run(
      "const n = 2; class A { who() { return 'b' } }; function f() { return n + 1 }; list.push(4)",
    );
    expect(again.result).toBe("4");
    expect((await client.run("[n, f(), new A().who(), list]")).result).toBe("[ 2, 3, 'b', [ 1, 2, 3, 4 ] ]");
    expect((await client.run("_")).result).toBe("[ 2, 3, 'b', [ 1, 2, 3, 4 ] ]");
  });

  it("print to both streams, and show values as a console does", async () => {
    using client = await RawClient.ready(server.url);
    const cell = await client.run(
      "console.log([1,2,3].map(x => x*x)); console.error('to', 'err'); process.stdout.write('raw\\n')",
    );
    expect({ stdout: cell.stdout, stderr: cell.stderr }).toEqual({ stdout: "[ 1, 4, 9 ]\nraw\n", stderr: "to err\n" });
    expect((await client.run("({ a: new Map([[1, { b: null }]]) })")).result).toBe(
      "{ a: Map(1) { 1 => { b: null } } }",
    );
    expect((await client.run("undefined")).result).toBeUndefined();
    // As a console does, it shows so much of a string.
    expect((await client.run("'r'.repeat(100_000)")).result).toMatch(/^'r{10000}'\.\.\. 90000 more characters$/);
    expect(String((await client.run("Array(5).fill('r'.repeat(9000))")).result).length).toBeGreaterThan(45_000);
  });

  it("await at the top, import and require", async () => {
    using client = await RawClient.ready(server.url);
    const code = `const sleep = (ms) => new Promise(resolve => setTimeout(resolve, ms))
await sleep(20)
const { readFile } = await import('node:fs/promises')
const os = require('os')
const text = await readFile('/etc/hostname', 'utf8').catch(() => 'none')
;[typeof text, os.platform(), (await import('node:path')).join('a', 'b')]`;
    expect((await client.run(code)).result).toBe("[ 'string', 'linux', 'a/b' ]");
    expect((await client.run("typeof readFile + typeof sleep")).result).toBe("'functionfunction'");
    const child = "require('child_process').execSync('echo from a child; cat', { input: 'in' }).toString()";
    expect((await client.run(child)).result).toBe("'from a child\\nin'");
  });

  it("say what went wrong, with the cell's own lines", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("function inner(n) {\n  throw new TypeError('no ' + n)\n}");
    const { error, done } = await client.run("// a comment\ninner(3)");
    expect(done).toMatchObject({ status: "error", exitCode: 1 });
    expect(error).toMatchObject({ name: "TypeError", message: "no 3" });
    expect(error?.traceback).toMatch(/^TypeError: no 3\n {4}at inner \(<cell 1>:2:9\)\n {4}at <cell 2>:2:1$/);
    for (const broken of ["1 +", "'open", "let let"]) {
      const { error: syntax } = await client.run(broken);
      expect(syntax).toMatchObject({ name: "SyntaxError" });
      expect(syntax?.traceback).toMatch(/^<cell \d+>:1\n/);
      expect(syntax?.traceback).not.toContain("zeroboot");
    }
    expect((await client.run("await Promise.reject(new RangeError('late'))")).error).toMatchObject({
      name: "RangeError",
      message: "late",
    });
    expect((await client.run("Promise.reject(new Error('nobody')); 1")).error).toMatchObject({ message: "nobody" });
    expect((await client.run("throw 'text'")).error).toMatchObject({ message: "text" });
    await client.run("process.removeAllListeners('uncaughtException')");
    expect((await client.run("Promise.reject(new Error('once more')); 1")).error).toMatchObject({
      message: "once more",
    });
    expect((await client.run("1 + 1")).result).toBe("2");
  });

  it("end with process.exit(), and the session goes on", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("kept = 1");
    expect(await client.run("console.log('before'); process.exit(3); console.log('never')")).toMatchObject({
      stdout: "before\n",
      done: { status: "error", exitCode: 3 },
    });
    expect((await client.run("process.exit()")).done).toMatchObject({ status: "ok", exitCode: 0 });
    expect((await client.run("kept")).result).toBe("1");
  });
});

describe("Node between cells", () => {
  it("goes on with timers, and rests without", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("let ticks = 0; const timer = setInterval(() => { ticks++ }, 5)");
    const before = Number((await client.run("ticks")).result);
    await poll("ticks", PROMPTLY_MS, async () =>
      Number((await client.run("ticks")).result) > before + 10 ? true : undefined,
    );
    await client.run("clearInterval(timer); setTimeout(() => console.log('later'), 10)");
    await poll("what a timer printed", PROMPTLY_MS, async () =>
      (await client.run("0")).stdout.includes("later") ? true : undefined,
    );
  });
});

describe("JavaScript that is busy", () => {
  it("is interrupted, in a loop, in an await, in a child, and keeps its state", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("kept = 1");
    for (const code of [
      "while (true) {}",
      "await new Promise(() => {})",
      "setInterval(() => {}, 1000); await new Promise(() => {})",
      "require('child_process').execSync('sleep 1000')",
    ]) {
      const id = client.execute(`console.log('begun'); ${code}`);
      await client.frame((frame) => frame.type === "stdout" && frame.id === id);
      const start = performance.now();
      client.send({ type: "interrupt", id });
      const done = await client.done(id);
      console.log(`${code}: ${done.status} after ${Math.round(performance.now() - start)} ms`);
      expect(performance.now() - start).toBeLessThan(PROMPTLY_MS);
      const told = client.frames.find(({ type, id: of }) => type === "error" && of === id);
      // Where the user's code was, or Node's for it; of ours at most the line that calls what a cell with await is
      // put into.
      expect(String(told?.traceback)).toMatch(/^\w+: [^\n]*(\n {4}at .*(<cell \d+>:\d+:\d+|node:.*)\)?)*$/);
      expect((await client.run("kept")).result).toBe("1");
    }
  });

  it("is interrupted whatever it has made of what JavaScript is built on", async () => {
    using client = await RawClient.ready(server.url);
    for (const code of [
      "Array.prototype.findIndex = () => { for (;;) ; }",
      "String.prototype.split = () => { throw new Error('mine') }",
    ]) {
      const id = client.execute(`console.log('begun'); ${code}; for (;;) ;`);
      await client.frame((frame) => frame.type === "stdout" && frame.id === id);
      client.send({ type: "interrupt", id });
      expect(await client.done(id)).toMatchObject({ status: "interrupted", stateKept: true });
    }
  });

  it("runs out of time, and what it wrote is kept", async () => {
    using client = await RawClient.ready(server.url);
    const { stdout, done } = await client.run("console.log('before'); while (true) {}", { timeoutMs: 1000 });
    expect(stdout).toBe("before\n");
    expect(done).toMatchObject({ status: "timeout", exitCode: 124, stateKept: true });
    expect((await client.run("1 + 1")).result).toBe("2");
  });

  it("reads its standard input to the end", async () => {
    using client = await RawClient.ready(server.url);
    const code = "let all = ''; for await (const part of process.stdin) all += part; all";
    const id = client.execute(code, { stdin: "open" });
    client.send({ type: "stdin", id, data: Buffer.from("one\n") });
    client.send({ type: "stdin", id, data: Buffer.from("two"), eof: true });
    expect(await client.done(id)).toMatchObject({ status: "ok" });
    const result = client.frames.find(({ type, id: of }) => type === "result" && of === id);
    expect(result?.bundle).toEqual({ "text/plain": "'one\\ntwo'" });
  });
});

describe("every session's Node", () => {
  it("has randomness and a clock of its own, and all of V8's threads", async () => {
    const seen = new Set<string>();
    const code = `const c = require('crypto')
console.log([Math.random(), c.randomUUID(), c.randomBytes(8).toString('hex')].join('\\n'))
// Garbage for the parallel collector.
let kept = []
for (let i = 0; i < 300000; i++) { kept.push({ i, s: 'x' + i }); if (kept.length > 20000) kept = kept.slice(10000) }
console.log(kept.at(-1).s, Math.abs(Date.now() - CLOCK) < 60000)`;
    for (let i = 0; i < 4; i++) {
      using client = await RawClient.ready(server.url);
      const { stdout, done } = await client.run(code.replace("CLOCK", String(Date.now())), { timeoutMs: 300_000 });
      expect(done.status).toBe("ok");
      const lines = stdout.split("\n");
      expect(lines[3]).toBe("x299999 true");
      for (const line of lines.slice(0, 3)) seen.add(line);
    }
    expect(seen.size).toBe(12);
  });

  it("completes, and knows when a cell is not whole", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("const variable_of_mine = { first: 1, second: 2 }");
    const ask = async (frame: Record<string, unknown>) => {
      client.frames.length = 0;
      client.send({ id: "q", ...frame });
      return await client.frame(({ type, id }) => ["completed", "checked", "inspected"].includes(type) && id === "q");
    };
    expect((await ask({ type: "complete", code: "variable_of", cursor: 11 })).matches).toContain("variable_of_mine");
    expect(String((await ask({ type: "complete", code: "variable_of_mine.fi", cursor: 19 })).matches)).toContain(
      "first",
    );
    expect(await ask({ type: "check", code: "function f() {" })).toMatchObject({ status: "incomplete" });
    expect(await ask({ type: "check", code: "f(1)" })).toMatchObject({ status: "complete" });
    expect(await ask({ type: "check", code: "f(1))" })).toMatchObject({ status: "invalid" });
    expect(await ask({ type: "inspect", code: "variable_of_mine", cursor: 3 })).toMatchObject({
      found: true,
      bundle: { "text/plain": "object: { first: 1, second: 2 }" },
    });
    expect(await ask({ type: "inspect", code: "nothing_of_mine", cursor: 3 })).toMatchObject({ found: false });
    expect((await client.run("1 + 1")).result).toBe("2");
  });
});

it("is had from the command line", async () => {
  const ran = await zeroboot(["exec", "--template", "node", "console.log([1,2,3].map(x => x*x))"]);
  expect(ran).toMatchObject({ exitCode: 0, stdout: "[ 1, 4, 9 ]\n", stderr: expect.any(String) });
});

it("has its program where a guest maps it in huge pages", async () => {
  const { rootImagePath } = await ensureArtefacts({ template: "node" });
  const image = await readFile(rootImagePath);
  const places = Array.from({ length: image.length / HUGE_PAGE_BYTES }, (_, i) => i * HUGE_PAGE_BYTES);
  const programs = places.filter((place) => image.subarray(place, place + 4).equals(ELF_MAGIC));
  // Others may lie so by chance; none is as large (e_shoff: its section headers are at the end).
  expect(programs.filter((place) => image.readBigUInt64LE(place + 40) > 64 * 1024 * 1024)).toHaveLength(1);
});

it("has its compiled code in huge pages", async () => {
  const code = `console.log(/ rwxp [^]*?AnonHugePages: *(\\d+)/.exec(require("fs").readFileSync("/proc/self/smaps", "utf8"))[1])`;
  const ran = await zeroboot(["exec", "--template", "node", code]);
  expect(ran.stderr).toBe("");
  expect(Number(ran.stdout)).toBeGreaterThanOrEqual(2048);
});
