import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  listSnapshots,
  removeAbandoned,
  removeSnapshot,
  snapshotPath,
} from "../../../../server/src/templates/snapshot-files.js";

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "zeroboot-snapshots-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

const KEY = "0123456789abcdef0123456789abcdef";
const other = (digit: string): string => digit.repeat(32);

describe("snapshot files", () => {
  it("are found by the names they are given, newest first", async () => {
    const home = await directory();
    for (const [name, key, second] of [
      ["python", KEY, 1000],
      ["python", other("a"), 3000],
      ["python-data", other("b"), 2000],
    ] as const) {
      const path = snapshotPath(home, name, key);
      await writeFile(path, "x".repeat(5000));
      await utimes(path, second, second);
    }
    const all = await listSnapshots(home);
    expect(all.map(({ name, key }) => [name, key])).toEqual([
      ["python", other("a")],
      ["python-data", other("b")],
      ["python", KEY],
    ]);
    expect(all[0]).toMatchObject({ path: join(home, `python-${other("a")}.zbt`), modifiedAt: new Date(3_000_000) });
    expect(all[0]?.diskBytes).toBeGreaterThanOrEqual(4096);
    expect((await listSnapshots(home, "python")).map(({ key }) => key)).toEqual([other("a"), KEY]);
    expect(await listSnapshots(home, "pyth")).toEqual([]);
  });

  it("are no other files: half written ones, foreign ones, dangling links", async () => {
    const home = await directory();
    for (const name of [
      `python-${KEY}.zbt.tmp`,
      `.python-${KEY}.zbt`,
      "python.zbt",
      `Python-${KEY}.zbt`,
      "notes.txt",
    ]) {
      await writeFile(join(home, name), "");
    }
    await symlink(join(home, "gone"), snapshotPath(home, "node", KEY));
    expect(await listSnapshots(home)).toEqual([]);
  });

  it("are none where there is no directory yet, and an error where it cannot be read", async () => {
    const home = await directory();
    expect(await listSnapshots(join(home, "missing"))).toEqual([]);
    await writeFile(join(home, "file"), "");
    await expect(listSnapshots(join(home, "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it("are removed once, however often that is asked", async () => {
    const home = await directory();
    await mkdir(join(home, "kept"));
    await writeFile(snapshotPath(home, "python", KEY), "");
    const [file] = await listSnapshots(home);
    if (file === undefined) throw new TypeError("it was just written");
    await removeSnapshot(file);
    await removeSnapshot(file);
    expect(await listSnapshots(home)).toEqual([]);
  });

  it("left half written by a killed process are removed once nobody can be writing them", async () => {
    const home = await directory();
    const path = snapshotPath(home, "python", KEY);
    const now = Date.now() / 1000;
    for (const [file, age] of [
      [path, 7200],
      [`${path}.tmp-17-0`, 7200],
      [`${path}.tmp-18-3`, 60],
      [`${path}.tmp-notes`, 7200],
    ] as const) {
      await writeFile(file, "");
      await utimes(file, now - age, now - age);
    }
    await removeAbandoned(home);
    expect((await readdir(home)).map((name) => name.replace(`python-${KEY}`, "")).sort()).toEqual([
      ".zbt",
      ".zbt.tmp-18-3",
      ".zbt.tmp-notes",
    ]);
    await removeAbandoned(join(home, "absent"));
  });
});
