import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestFile, digestParts, readTree } from "../../../native/guest/build/digest.js";

describe("digestParts", () => {
  it("does not depend on the order of the parts", () => {
    expect(digestParts({ a: "1", b: "2" })).toBe(digestParts({ b: "2", a: "1" }));
  });

  it("tells apart parts whose concatenation is the same", () => {
    expect(digestParts({ a: "12" })).not.toBe(digestParts({ a1: "2" }));
    expect(digestParts({ a: "1", b: "2" })).not.toBe(digestParts({ a: "1b2" }));
  });

  it("stays what it is: artefacts in caches are found by it", () => {
    expect(digestParts({ name: "content", other: Buffer.from([0, 255]) })).toBe(
      "9b8af5db9683a9ae07a5889965a0b0a4b024de79a4a6825dd1ee1cbd40bfcb4f",
    );
  });
});

describe("readTree", () => {
  let base: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "zeroboot-digest-"));
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it("reads files and directories by relative path, without hidden files and caches", async () => {
    await mkdir(join(base, "dir/__pycache__"), { recursive: true });
    await writeFile(join(base, "dir/a.py"), "a");
    await writeFile(join(base, "dir/.a.py.swp"), "x");
    await writeFile(join(base, "dir/__pycache__/a.pyc"), "x");
    await writeFile(join(base, "single"), "s");
    expect(Object.keys(await readTree(base, ["dir", "single"])).sort()).toEqual(["dir/a.py", "single"]);
  });

  it("fails for what is not there: a key must never cover less than was asked for", async () => {
    await expect(readTree(base, ["absent"])).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it("digests files", async () => {
  const directory = await mkdtemp(join(tmpdir(), "zeroboot-digest-"));
  await writeFile(join(directory, "f"), "image");
  expect(await digestFile(join(directory, "f"))).toBe(
    "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d",
  );
  await rm(directory, { recursive: true });
});
