import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildEnvironment, type CommandOptions, run } from "../../../native/guest/build/command.js";
import { BoundedLog } from "../../../native/guest/build/log.js";

let directory: string;
let options: CommandOptions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "zeroboot-command-"));
  options = { env: buildEnvironment("/usr/bin:/bin"), log: BoundedLog.create(directory, "test") };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const sh = (script: string, more: Partial<CommandOptions> = {}) => run("sh", ["-c", script], { ...options, ...more });

describe("run", () => {
  it("answers standard output, and hands on lines of both outputs and of the status channel", async () => {
    const lines: string[] = [];
    const status: string[] = [];
    const { stdout } = await sh("echo out; echo err >&2; echo s1 >&3; echo s2 >&3", {
      onLine: (line) => lines.push(line),
      onStatusLine: (line) => status.push(line),
    });
    expect(stdout).toBe("out\n");
    expect(lines.sort()).toEqual(["err", "out"]);
    expect(status).toEqual(["s1", "s2"]);
  });

  it("reports a failure with the last lines and the log's path", async () => {
    const failure = await sh("for i in $(seq 1 50); do echo line $i; done; exit 3").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "command_failed", log: options.log.path });
    const { message } = failure as Error;
    expect(message).toContain("exit code 3");
    expect(message).toContain("line 50");
    expect(message).not.toContain("line 30\n");
    expect(await readFile(options.log.path, "utf8")).toContain("line 1\n");
  });

  it("knows a full disk by what the command says", async () => {
    await expect(sh("echo 'tar: x: Cannot write: No space left on device' >&2; exit 2")).rejects.toMatchObject({
      code: "disk_full",
    });
  });

  it("reports a program that is not there", async () => {
    await expect(run("/does/not/exist", [], options)).rejects.toMatchObject({
      code: expect.stringMatching(/tool_missing|command_failed/),
    });
  });

  it("stops the whole process group when aborted", async () => {
    const controller = new AbortController();
    const marker = join(directory, "child.pid");
    const running = sh(`sleep 60 & echo $! > ${marker}; echo started; wait`, {
      signal: controller.signal,
      onLine: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: "interrupted" });
    const child = Number(await readFile(marker, "utf8"));
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it("gives commands nothing of the user's settings but what reaching the network takes", () => {
    process.env.CFLAGS = "-O0";
    process.env.http_proxy = "http://proxy";
    const env = buildEnvironment("/bin", { M4: "/m4" });
    delete process.env.CFLAGS;
    delete process.env.http_proxy;
    expect(env).toMatchObject({ LC_ALL: "C", PATH: "/bin", M4: "/m4", http_proxy: "http://proxy" });
    expect(env).not.toHaveProperty("CFLAGS");
  });
});

describe("BoundedLog", () => {
  it("stays bounded and still knows the last lines", async () => {
    const { log } = options;
    for (let index = 0; index < 100; index++) log.write(`${"x".repeat(100_000)}\n`);
    log.note("the end");
    expect((await stat(log.path)).size).toBeLessThan(5 * 1024 * 1024);
    expect(log.tail()).toMatch(/the end$/);
  });

  it("keeps a bounded number of files", async () => {
    for (let index = 0; index < 40; index++) {
      await writeFile(join(directory, `old.2020-01-01T00-00-${String(index).padStart(2, "0")}-000Z.1.log`), "");
    }
    BoundedLog.create(directory, "new");
    const files = await readdir(directory);
    expect(files).toHaveLength(30);
    expect(files.some((file) => file.startsWith("new."))).toBe(true);
    expect(files.some((file) => file.startsWith("test."))).toBe(true);
  });
});

/** A zombie that its new parent has not yet collected does not count. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
