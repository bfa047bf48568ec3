import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../../helpers/pages.js";
import { runProgram } from "../../helpers/program.js";

/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:9";
const TAKES_AT_MOST_MS = 300_000;

/** A project that has nothing but the package, as `npm pack` makes it, and what that depends on. */
let project: string;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "zeroboot-package-"));
  const packed = await runProgram("npm", ["pack", "--json", "--pack-destination", project], {
    cwd: join(REPOSITORY, "client"),
  });
  expect(packed.stderr).not.toContain("ERR");
  const [tarball] = readdirSync(project).filter((name) => name.endsWith(".tgz"));
  const modules = join(project, "node_modules");
  mkdirSync(join(modules, "@zeroboot/sdk"), { recursive: true });
  const unpack = ["-xzf", join(project, String(tarball)), "--strip-components=1", "-C", join(modules, "@zeroboot/sdk")];
  expect(await runProgram("tar", unpack)).toMatchObject({ exitCode: 0 });
  for (const name of ["msgpackr", "ws", "zod", "@types"]) {
    symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name));
  }
}, TAKES_AT_MOST_MS);

afterAll(() => rmSync(project, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(project, name);
  writeFileSync(path, text);
  return path;
}

const PROGRAM = `
const show = async (promise) => console.log(await promise.then(() => "connected", (error) => [error.constructor.name, error instanceof ConnectionError, error.code].join(" ")));
show(Session.connect({ url: "${NOWHERE}" })).then(() => show(new Sandbox("", { baseUrl: "${NOWHERE}", retries: 0 }).run("1")));
`;
const SHOWN = "ConnectionError true connect_failed\nConnectionError true connect_failed\n";

const TYPED = `
async function all(): Promise<number> {
  const sandbox = new Sandbox("zb_demo_key");
  const text: string = await sandbox.run("1", { check: true });
  await using session = await Session.connect({ template: "python" });
  const run = session.run(text, { onStdout: (part: string) => void part });
  for await (const part of run.stderr) part.toUpperCase();
  const { exitCode } = await run;
  return exitCode;
}
void all;
`;

describe("the package", { timeout: TAKES_AT_MOST_MS }, () => {
  it.each([
    ["import", "program.mjs", `import { ConnectionError, Sandbox, Session } from "@zeroboot/sdk";${PROGRAM}`],
    ["require", "program.cjs", `const { ConnectionError, Sandbox, Session } = require("@zeroboot/sdk");${PROGRAM}`],
  ])("is had by %s", async (_, name, text) => {
    const ran = await runProgram(process.execPath, [write(name, text)], { cwd: project });
    expect(ran).toEqual({ exitCode: 0, signal: null, stdout: SHOWN, stderr: "" });
  });

  it("gives its parts to require, too", async () => {
    const text = `console.log(typeof require("@zeroboot/sdk/protocol").decodeServerFrame, typeof require("@zeroboot/sdk/transport").Session)`;
    const ran = await runProgram(process.execPath, ["-e", text], { cwd: project });
    expect(ran).toMatchObject({ exitCode: 0, stdout: "function function\n", stderr: "" });
  });

  it("has types that hold under --strict, for both", async () => {
    const files = ["typed.mts", "typed.cts"].map((name) =>
      write(name, `import { Sandbox, Session } from "@zeroboot/sdk";${TYPED}`),
    );
    const options = [
      "--strict",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--lib",
      "es2022,esnext,dom",
    ];
    const compiler = join(REPOSITORY, "node_modules/.bin/tsc");
    expect(await runProgram(compiler, [...options, "--types", "node", ...files], { cwd: project })).toMatchObject({
      exitCode: 0,
      stdout: "",
    });
  });

  it("bundles for a page, without what only Node has", async () => {
    const entry = write("page.js", `import { Session } from "@zeroboot/sdk"; Session.connect();`);
    const { metafile } = await build({
      absWorkingDir: project,
      entryPoints: [entry],
      bundle: true,
      platform: "browser",
      format: "esm",
      metafile: true,
      write: false,
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.some((path) => path.endsWith("@zeroboot/sdk/dist/browser.js"))).toBe(true);
    expect(inputs.filter((path) => /node_modules\/ws\/|transport\/node\.js|commonjs/.test(path))).toEqual([]);
  });

  it("holds no source, test or build note", () => {
    const files = readdirSync(join(project, "node_modules/@zeroboot/sdk"), { recursive: true }).map(String);
    expect(files.filter((file) => /buildinfo|test|^src/.test(file))).toEqual([]);
    expect(files).toContain("README.md");
  });
});
