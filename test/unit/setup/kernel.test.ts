import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CompileProgress } from "../../../native/guest/build/kernel/compile-progress.js";
import { parseConfig, requireConfig } from "../../../native/guest/build/kernel/config.js";
import { editSources } from "../../../native/guest/build/kernel/source-edits.js";
import { silentProgress } from "../../../native/guest/build/progress.js";

describe("kernel configuration", () => {
  const fragment = "# a comment\nCONFIG_A=y\nCONFIG_B=n\n# CONFIG_C is not set\nCONFIG_D=2\nCONFIG_E=-1\n";

  it("parses both ways of saying no", () => {
    expect([...parseConfig(fragment)]).toEqual([
      ["CONFIG_A", "y"],
      ["CONFIG_B", "n"],
      ["CONFIG_C", "n"],
      ["CONFIG_D", "2"],
      ["CONFIG_E", "-1"],
    ]);
  });

  it("accepts a configuration that has all of it; a symbol that does not exist is off", () => {
    expect(() => requireConfig(fragment, "CONFIG_A=y\nCONFIG_D=2\nCONFIG_E=-1\nCONFIG_Z=y\n")).not.toThrow();
  });

  it("names every difference", () => {
    expect(() => requireConfig(fragment, "# CONFIG_A is not set\nCONFIG_C=y\nCONFIG_D=2\nCONFIG_E=-1\n")).toThrow(
      expect.objectContaining({
        code: "config_rejected",
        message: expect.stringMatching(/CONFIG_A should be y and is n; CONFIG_C should be n and is y/),
      }),
    );
  });
});

describe("changes to the kernel's source", () => {
  let tree: string;
  beforeEach(async () => {
    tree = await mkdtemp(join(tmpdir(), "zeroboot-source-"));
    await writeFile(join(tree, "Kconfig"), "one\ntwo\ntwo\n");
  });
  afterEach(() => rm(tree, { recursive: true, force: true }));

  it("are made one after the other, as they are written", async () => {
    await editSources(tree, [
      { file: "Kconfig", before: "one\n", after: "one\n$& three\n" },
      { file: "Kconfig", before: "three\n", after: "" },
    ]);
    expect(await readFile(join(tree, "Kconfig"), "utf8")).toBe("one\n$& two\ntwo\n");
  });

  it.each(["four\n", "two\n"])("are refused where their place is not there once: %j", async (before) => {
    await expect(editSources(tree, [{ file: "Kconfig", before, after: "" }])).rejects.toMatchObject({
      code: "config_rejected",
    });
  });
});

describe("CompileProgress", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "zeroboot-compile-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("counts what make makes, goes on from where it was interrupted, and never claims to be done", async () => {
    const path = join(directory, "lines");
    const seen: [number | undefined, string | undefined][] = [];
    const progress = { ...silentProgress, update: (fraction?: number, text?: string) => seen.push([fraction, text]) };
    const first = new CompileProgress(path, progress);
    for (let index = 0; index < 681; index++) first.line(`  CC      mm/file${index}.o`);
    first.line("make[1]: Entering directory");
    first.line("some warning");
    expect(seen).toHaveLength(681);
    expect(seen.at(-1)).toEqual([0.5, "CC mm/file680.o"]);
    first.save();
    expect(await readFile(path, "utf8")).toBe("681\n");

    const second = new CompileProgress(path, progress);
    second.line("  LD      vmlinux.o");
    expect(seen.at(-1)?.[0]).toBeGreaterThan(0.5);
    for (let index = 0; index < 5000; index++) second.line("  AR      built-in.a");
    expect(seen.at(-1)?.[0]).toBe(0.99);
  });

  it("begins at nothing when its file is nonsense", async () => {
    await writeFile(join(directory, "lines"), "NaN");
    const seen: (number | undefined)[] = [];
    const compile = new CompileProgress(join(directory, "lines"), {
      ...silentProgress,
      update: (fraction) => seen.push(fraction),
    });
    compile.line("  CC      a.o");
    expect(seen[0]).toBeLessThan(0.01);
  });
});
