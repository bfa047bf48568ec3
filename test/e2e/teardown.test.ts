import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../native/guest/build/index.js";
import { poll } from "../helpers/poll.js";
import { collect, runProgram } from "../helpers/program.js";
import { RawClient } from "../helpers/raw-client.js";
import { EMPTY_WITHIN_MS, released } from "../helpers/released.js";
import { ServerProcess } from "../helpers/server-process.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready();
  // Pools of threads and buffers that are made once must not count as leaks.
  for (let i = 0; i < 10; i++) using_(await RawClient.ready(server.url));
  await server.emptied(EMPTY_WITHIN_MS);
});
afterAll(() => server.stop());

function using_(client: RawClient): void {
  client[Symbol.dispose]();
}

type Disconnect = (client: RawClient) => void | Promise<void>;

const WAYS: readonly (readonly [name: string, cycles: number, disconnect: Disconnect])[] = [
  ["a close frame", 30, (client) => client.socket.close(1000)],
  ["the TCP connection cut", 30, (client) => client.socket.terminate()],
  [
    "a cut in the middle of a cell",
    30,
    async (client) => {
      client.execute("while True: pass");
      await client.frame((frame) => frame.type === "started");
      client.socket.terminate();
    },
  ],
  [
    "a cut in the middle of output",
    30,
    async (client) => {
      client.execute("while True: print('x' * 500)");
      await client.frame((frame) => frame.type === "stdout");
      client.socket.terminate();
    },
  ],
];

describe("teardown", () => {
  for (const [name, cycles, disconnect] of WAYS) {
    it(`releases everything after ${name}, ${cycles} times`, async () => {
      // What Node's heap needs for this at all is no leak either.
      for (let i = 0; i < 10; i++) await disconnect(await RawClient.ready(server.url));
      await server.emptied(EMPTY_WITHIN_MS);
      const before = server.held();
      for (let i = 0; i < cycles; i++) await disconnect(await RawClient.ready(server.url));
      await released(server, before, name);
    });
  }

  it("releases everything after 80 cuts while forking", async () => {
    const before = server.held();
    for (let i = 0; i < 80; i++) {
      const client = new RawClient(server.url);
      await new Promise((resolve) => client.socket.once("open", resolve));
      // From at once to well into the fork.
      await new Promise((resolve) => setTimeout(resolve, i % 8));
      client.socket.terminate();
    }
    await released(server, before, "cuts while forking");
  });

  it("releases everything when a client is killed with SIGKILL", async () => {
    const before = server.held();
    const code =
      "import { RawClient } from './test/helpers/raw-client.ts'; const c = await RawClient.ready(process.argv[1]); c.execute('while True: pass'); await c.frame((f) => f.type === 'started'); console.log('running');";
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code, server.url], {
      cwd: packageRoot(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = collect(child.stdout);
    await poll("a cell in the client", 60_000, () => (said().includes("running") ? true : undefined));
    expect((await server.health()).body.vms).toBe(1);
    child.kill("SIGKILL");
    await released(server, before, "SIGKILL of a client");
  });
});

describe("the end of the server", () => {
  it("tells its sessions, ends with 0 and leaves no thread behind", async () => {
    const other = await ServerProcess.ready();
    const client = await RawClient.ready(other.url);
    const id = client.execute("while True: pass");
    await client.frame((frame) => frame.type === "started");
    const stopped = other.stop("SIGTERM");
    expect(await client.done(id)).toMatchObject({ status: "killed", exitCode: 137 });
    expect(await client.frame((frame) => frame.type === "closed")).toMatchObject({ reason: "shutting_down" });
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await stopped).toEqual({ exitCode: 0, signal: null });
  });

  it("leaves nothing behind when killed with SIGKILL", async () => {
    const mark = `ZEROBOOT_TEST_MARK=${randomUUID()}`;
    const other = await ServerProcess.ready([], { ZEROBOOT_TEST_MARK: mark.split("=")[1] });
    const client = await RawClient.ready(other.url);
    client.execute("while True: pass");
    await client.frame((frame) => frame.type === "started");
    const pid = other.pid;
    expect((await other.stop("SIGKILL")).signal).toBe("SIGKILL");
    await client.closed;
    const { stdout } = await runProgram("ps", ["-eLo", "pid,ppid,comm"]);
    expect(stdout.split("\n").filter((line) => line.split(/\s+/).includes(String(pid)))).toEqual([]);
    // Nor does a process that came of it hold a VM.
    const heirs = await runProgram("sh", ["-c", `grep -lz "^${mark}$" /proc/[0-9]*/environ 2>/dev/null`]);
    expect(heirs.stdout).toBe("");
  });
});
