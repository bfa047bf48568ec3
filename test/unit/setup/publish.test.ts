import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publishDirectory, publishFile } from "../../../native/guest/build/publish.js";
import { ArtefactStore } from "../../../native/guest/build/store.js";

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "zeroboot-publish-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function work(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(home, "work-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

describe("publishDirectory", () => {
  it("moves a directory with all its contents, making parents", async () => {
    const from = await work({ a: "1" });
    await mkdir(join(from, "below"));
    await writeFile(join(from, "below/b"), "2");
    await publishDirectory(from, join(home, "x/y/final"));
    expect(await readFile(join(home, "x/y/final/below/b"), "utf8")).toBe("2");
    expect(await readdir(join(home, "x/y"))).toEqual(["final"]);
  });

  it("leaves what another published first and drops its own", async () => {
    await publishDirectory(await work({ a: "first" }), join(home, "final"));
    const second = await work({ a: "second" });
    await publishDirectory(second, join(home, "final"));
    expect(await readFile(join(home, "final/a"), "utf8")).toBe("first");
    await expect(readdir(second)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("publishFile", () => {
  it("replaces a file and leaves nothing beside it", async () => {
    const path = join(home, "deep/file");
    await publishFile(path, "one");
    await publishFile(path, "two");
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(join(home, "deep"))).toEqual(["file"]);
  });

  it("names an unwritable place", async () => {
    await writeFile(join(home, "plain"), "");
    await expect(publishFile(join(home, "plain/file"), "x")).rejects.toMatchObject({ code: "home_unusable" });
  });
});

describe("ArtefactStore", () => {
  const key = "0123456789abcdef0123456789abcdef";
  const manifest = {
    format: 1 as const,
    kind: "root" as const,
    key,
    request: "request",
    title: "python",
    builtAt: "2026-01-01T00:00:00.000Z",
    packages: [],
    compiler: "12.2.0",
    fetchedTools: [],
    symbols: {},
  };

  it("finds what was published by its request, with digests of its files", async () => {
    const store = new ArtefactStore(join(home, "root"));
    expect(await store.findByRequest("request")).toBeUndefined();
    await store.publish(await work({ "root.erofs": "image" }), manifest);
    const found = await store.findByRequest("request");
    expect(found?.manifest.files).toEqual({
      "root.erofs": { sha256: "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d", bytes: 5 },
    });
    expect(await store.list()).toHaveLength(1);
    expect(await store.findByRequest("other")).toBeUndefined();
  });

  it("does not find an artefact with a file cut short, and publishes over it", async () => {
    const store = new ArtefactStore(join(home, "root"));
    const { directory } = await store.publish(await work({ "root.erofs": "image" }), manifest);
    await writeFile(join(directory, "root.erofs"), "im");
    expect(await store.findByRequest("request")).toBeUndefined();
    await store.publish(await work({ "root.erofs": "image" }), manifest);
    expect(await store.findByRequest("request")).toBeDefined();
  });

  it("does not find an artefact with an unreadable manifest", async () => {
    const store = new ArtefactStore(join(home, "root"));
    const { directory } = await store.publish(await work({ "root.erofs": "image" }), manifest);
    await writeFile(join(directory, "manifest.json"), "{");
    expect(await store.findByRequest("request")).toBeUndefined();
    expect(await store.list()).toEqual([]);
  });

  it("follows no request note that is not a key", async () => {
    const store = new ArtefactStore(join(home, "root"));
    await store.publish(await work({ "root.erofs": "image" }), manifest);
    await writeFile(join(home, "root/requests/request"), "../../etc\n");
    expect(await store.findByRequest("request")).toBeUndefined();
  });
});
