import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chosen, KernelSetting } from "../../bench/setting/kernel-setting.js";

describe("a setting of the kernel's", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "zeroboot-setting-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("is the word in brackets of a list, or all there is", () => {
    expect(chosen("always [madvise] never\n")).toBe("madvise");
    expect(chosen("65530\n")).toBe("65530");
  });

  it("is set in all of its files, and each gets back what it had", () => {
    const files = ["a", "b"].map((name) => join(directory, name));
    files.forEach((file, i) => {
      writeFileSync(file, `${i}\n`);
    });
    const values = () => files.map((file) => readFileSync(file, "utf8").trim());
    const setting = new KernelSetting(files);
    setting.set("7");
    expect(values()).toEqual(["7", "7"]);
    setting.restore();
    expect(values()).toEqual(["0", "1"]);
  });

  it("that is not there is an error before anything is changed", () => {
    const file = join(directory, "a");
    writeFileSync(file, "1\n");
    expect(() => new KernelSetting([file, join(directory, "none")])).toThrow(/ENOENT/);
    expect(readFileSync(file, "utf8")).toBe("1\n");
  });
});
