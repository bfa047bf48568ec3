import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { runCli } from "../../../../server/src/cli/program.js";

/** Everything a command wrote. */
let written = "";

beforeEach(() => {
  written = "";
  for (const stream of [process.stdout, process.stderr]) {
    const spy = vi.spyOn(stream, "write").mockImplementation((text) => {
      written += String(text);
      return true;
    });
    onTestFinished(() => spy.mockRestore());
  }
});

async function fileOf(bytes: string | Uint8Array): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "zeroboot-exec-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "code.py");
  await writeFile(path, bytes);
  return path;
}

describe("zeroboot exec", () => {
  it.each([
    ["nothing to run", [], "input_invalid"],
    ["two things to run", ["1", "--file", "x"], "input_invalid"],
    ["a file that is not there", ["--file", "/nowhere/x.py"], "input_invalid"],
    ["a directory", ["--file", "/"], "input_invalid"],
    ["a timeout that is none", ["1", "--timeout", "soon"], "config_invalid"],
    ["a timeout of nothing", ["1", "--timeout", "0"], "config_invalid"],
    ["a timeout below a millisecond", ["1", "--timeout", "0.0004"], "config_invalid"],
    ["a negative timeout", ["1", "--timeout=-1"], "config_invalid"],
    ["a timeout of more than an hour", ["1", "--timeout", "3600.1"], "config_invalid"],
    ["a timeout as only JavaScript writes it", ["1", "--timeout", "1e3"], "config_invalid"],
    ["memory that is none", ["1", "--memory-mb", "much"], "config_invalid"],
    ["too little memory", ["1", "--memory-mb", "63"], "config_invalid"],
  ])("ends with 125 and says why: %s", async (_, args, code) => {
    expect(await runCli(["exec", ...args])).toBe(125);
    expect(written).toMatch(new RegExp(`^zeroboot: .*\\(${code}\\)`));
  });

  it("takes no code that is not UTF-8", async () => {
    expect(await runCli(["exec", "--file", await fileOf(Uint8Array.of(0x70, 0xff))])).toBe(125);
    expect(written).toContain("as UTF-8 text (input_invalid)");
  });

  it.each([
    [["exec", "--no-such-flag", "1"]],
    [["exec", "1", "2"]],
    [["exec", "1", "--timeout"]],
    [["no-such-command"]],
    [[]],
  ])("ends with 125 for a command line that is not understood: %j", async (args) => {
    expect(await runCli(args)).toBe(125);
    expect(written).not.toBe("");
  });

  it.each([[["exec", "--help"]], [["--help"]], [["help", "serve"]], [["serve", "--help"]]])(
    "ends with 0 for help: %j",
    async (args) => {
      expect(await runCli(args)).toBe(0);
      expect(written).toContain("Usage: zeroboot");
      if (args.includes("serve")) expect(written).toContain("--allow-origin <origins>");
    },
  );
});
