import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultHome, homeLayout } from "../../native/guest/build/index.js";
import { zeroboot } from "../helpers/program.js";
import { ServerProcess } from "../helpers/server-process.js";

const directory = mkdtempSync(join(tmpdir(), "zeroboot-template-"));
const templates = homeLayout(defaultHome()).templates;
/** Those of the template `python`, unfinished ones too; other templates' names may begin with its. */
const snapshots = (): string[] => readdirSync(templates).filter((name) => /^python-[0-9a-f]{32}\./.test(name));
let snapshot: string;
beforeAll(async () => {
  const built = await zeroboot(["template", "build"]);
  expect(built.exitCode, built.stderr).toBe(0);
  // There may be others, of other versions.
  snapshot = (await zeroboot(["template", "inspect", "python"])).stdout.split("\n")[0] ?? "";
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("zeroboot template", () => {
  it("lists and inspects what is there", async () => {
    const listed = await zeroboot(["template", "list"]);
    expect(listed.stdout).toMatch(/^python +CPython 3\.11/m);
    const inspected = await zeroboot(["template", "inspect", "python"]);
    expect(inspected.exitCode).toBe(0);
    for (const field of ["label", "runtime", "memory", "kernel", "root image", "host", "engine ABI"]) {
      expect(inspected.stdout).toContain(field);
    }
  });

  it("is stored sparsely: no more on disk than its pages with content need", async () => {
    const { stdout } = await zeroboot(["template", "inspect", "python"]);
    const pages = Number(/(\d+) pages with content/.exec(stdout)?.[1]);
    expect(pages).toBeGreaterThan(1000);
    expect(statSync(snapshot).blocks * 512).toBeLessThan(pages * 4096 * 1.05 + 1024 * 1024);
  });

  it("says so when there is none of a name", async () => {
    const none = await zeroboot(["template", "inspect", "cobol"]);
    expect(none.exitCode).toBe(125);
    expect(none.stderr).toContain("template_unknown");
  });
});

describe("a damaged snapshot", () => {
  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ["cut short", (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["empty", (path) => truncateSync(path, 0)],
    ["edited in its header", (path) => edit(path, 40)],
    ["edited in its pages", (path) => edit(path, Math.floor(statSync(path).size / 2))],
  ];
  for (const [name, damage] of damages) {
    it(`that is ${name} is refused when it was given`, async () => {
      const path = join(directory, "given.zbt");
      copyFileSync(snapshot, path);
      damage(path);
      const ran = await zeroboot(["exec", "--snapshot", path, "print(1)"]);
      expect(ran.exitCode).toBe(125);
      expect(ran.stdout).toBe("");
      expect(ran.stderr).toContain("snapshot_refused");
    });
  }

  it("of our own is made anew, with one line that says why", async () => {
    edit(snapshot, Math.floor(statSync(snapshot).size / 2));
    const ran = await zeroboot(["exec", "print('anew')"]);
    expect(ran).toMatchObject({ exitCode: 0, stdout: "anew\n" });
    expect(ran.stderr).toContain("the template is made anew: ");
    expect(await zeroboot(["exec", "print('kept')"])).toMatchObject({ exitCode: 0, stdout: "kept\n", stderr: "" });
  });

  it("that is not there is refused", async () => {
    const ran = await zeroboot(["exec", "--snapshot", join(directory, "none.zbt"), "print(1)"]);
    expect(ran.exitCode).toBe(125);
    expect(ran.stderr).toContain("snapshot_refused");
  });
});

describe("health", () => {
  it("is 503 until the template can be forked, then 200", async () => {
    expect((await zeroboot(["template", "remove", "python"])).exitCode).toBe(0);
    await using server = await ServerProcess.listening();
    const first = await server.health();
    expect(first).toMatchObject({ status: 503, body: { status: "starting", templates: { python: { ready: false } } } });
    await server[Symbol.asyncDispose]();
    await using again = await ServerProcess.ready();
    expect(await again.health()).toMatchObject({ status: 200, body: { status: "ok", sessions: 0, vms: 0 } });
    expect(again.stdout).toContain(`at ${again.url}`);
    expect(await again.stop("SIGINT")).toEqual({ exitCode: 0, signal: null });
  });

  it("says draining while it stops, and stops while the template is being made", async () => {
    expect((await zeroboot(["template", "remove", "python"])).exitCode).toBe(0);
    await using server = await ServerProcess.listening();
    expect(await server.stop("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    expect(snapshots()).toEqual([]);
  });
});

function edit(path: string, offset: number): void {
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.from("edited!!"), 0, 8, offset);
  closeSync(fd);
}
