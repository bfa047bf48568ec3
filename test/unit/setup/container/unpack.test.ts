import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyDirectory, unpackTar } from "../../../../native/guest/build/container/unpack.js";
import { silentProgress } from "../../../../native/guest/build/index.js";
import { runProgram } from "../../../helpers/program.js";
import { paxRecord, tar, tarGz, type Written } from "./tar-writer.js";

let directory: string;
let into: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "zeroboot-unpack-"));
  // Deep, so that what gets out is seen beside it.
  into = join(directory, "a/b/root");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const options = { progress: silentProgress, signal: undefined };

function unpackBytes(bytes: Uint8Array): Promise<void> {
  const path = join(directory, "given.tar");
  writeFileSync(path, bytes);
  return unpackTar(path, into, options);
}
const unpack = (...entries: Written[]): Promise<void> => unpackBytes(tar(entries));
const content = (path: string): string => readFileSync(join(into, path), "utf8");

describe("a container's tar", () => {
  it("is unpacked: files, directories, links; whether a file is a program is kept", async () => {
    await unpack(
      { path: "./", type: "5" },
      { path: "./usr/", type: "5" },
      { path: "usr/bin/program", content: "x", mode: 0o4755 },
      { path: "usr/bin/data", content: "d".repeat(1500), mode: 0o640 },
      { path: "usr/bin/same", type: "1", target: "usr/bin/program" },
      { path: "bin", type: "2", target: "usr/bin" },
      { path: "etc/link", type: "2", target: "/usr/bin/data" },
      { path: "etc/linked", type: "1", target: "etc/link" },
    );
    expect(content("usr/bin/data")).toHaveLength(1500);
    expect(statSync(join(into, "usr/bin/program")).mode & 0o7777).toBe(0o755);
    expect(statSync(join(into, "usr/bin/data")).mode & 0o7777).toBe(0o644);
    expect(statSync(join(into, "usr/bin/same")).ino).toBe(statSync(join(into, "usr/bin/program")).ino);
    expect(content("bin/program")).toBe("x");
    // An absolute link means the guest's root, on this machine too.
    expect(readlinkSync(join(into, "etc/link"))).toBe("../usr/bin/data");
    expect(content("etc/link")).toHaveLength(1500);
    expect(readlinkSync(join(into, "etc/linked"))).toBe("../usr/bin/data");
  });

  it("may be compressed, have long names in the ways of pax and GNU, and replace a file", async () => {
    const long = `${"n".repeat(90)}/${"m".repeat(120)}`;
    const longer = `g/${"k".repeat(200)}`;
    await unpackBytes(
      tarGz([
        { path: "pax", type: "x", content: paxRecord("path", long) + paxRecord("mtime", "1.5") },
        { path: "cut", content: "pax" },
        { path: "././@LongLink", type: "L", content: `${longer}\0` },
        { path: "cut", content: "gnu" },
        { path: "twice", content: "first" },
        { path: "twice", content: "second" },
      ]),
    );
    expect([content(long), content(longer), content("twice")]).toEqual(["pax", "gnu", "second"]);
  });

  it("of the system's own tar is understood", async () => {
    const tree = join(directory, "tree");
    mkdirSync(join(tree, "d"), { recursive: true });
    writeFileSync(join(tree, "d/file"), "from tar");
    symlinkSync("d/file", join(tree, "link"));
    for (const format of ["ustar", "gnu", "pax"]) {
      const path = join(directory, `${format}.tar`);
      const made = await runProgram("tar", [`--format=${format}`, "-C", tree, "-cf", path, "."]);
      expect(made.exitCode, made.stderr).toBe(0);
      const to = join(directory, format);
      await unpackTar(path, to, options);
      expect(readFileSync(join(to, "link"), "utf8")).toBe("from tar");
    }
  });

  const bad: readonly (readonly [string, RegExp, readonly Written[]])[] = [
    ["a path out of it", /leads out of the root/, [{ path: "../evil", content: "x" }]],
    ["a path out of it further in", /leads out of the root/, [{ path: "usr/../../evil", content: "x" }]],
    ["an absolute path", /absolute path/, [{ path: "/evil", content: "x" }]],
    ["a character device", /is a character device/, [{ path: "dev/null", type: "3" }]],
    ["a block device", /is a block device/, [{ path: "dev/sda", type: "4" }]],
    ["a named pipe", /is a named pipe/, [{ path: "run/pipe", type: "6" }]],
    ["an entry of an unknown type", /type "S"/, [{ path: "sparse", type: "S" }]],
    ["a link out of it", /out of the root/, [{ path: "usr/l", type: "2", target: "../../etc/passwd" }]],
    ["a link that climbs after a name", /cannot be checked/, [{ path: "l", type: "2", target: "usr/../../etc" }]],
    ["a link without a target", /without a target/, [{ path: "l", type: "2" }]],
    ["a hard link out of it", /leads out of the root/, [{ path: "l", type: "1", target: "../../etc/passwd" }]],
    ["an absolute hard link", /absolute path/, [{ path: "l", type: "1", target: "/etc/passwd" }]],
    ["a hard link to nothing", /no earlier file/, [{ path: "l", type: "1", target: "usr" }]],
    [
      "a file written through a link",
      /goes through out, which is no directory/,
      [
        { path: "out", type: "2", target: "/tmp" },
        { path: "out/evil", content: "x" },
      ],
    ],
    [
      "a file written through a link that took a directory's place",
      /is there twice/,
      [
        { path: "usr/", type: "5" },
        { path: "usr", type: "2", target: "/tmp" },
        { path: "usr/evil", content: "x" },
      ],
    ],
    [
      "a link that a file takes the place of",
      /is there twice/,
      [
        { path: "l", type: "2", target: "x" },
        { path: "l", content: "x" },
      ],
    ],
    ["more bytes than there may be", /more than 4 GiB/, [{ path: "huge", type: "0", size: 0o77777777777 }]],
    ["a header too long", /has a header of/, [{ path: "h", type: "x", size: 1 << 21 }]],
    ["a pax header that lies", /cannot be read/, [{ path: "h", type: "x", content: "99 path=x\n" }]],
    ["a pax size that is none", /has an entry of/, [{ path: "h", type: "x", content: paxRecord("size", "-1") }]],
    [
      "a pax path out of it",
      /leads out/,
      [{ path: "h", type: "x", content: paxRecord("path", "../e") }, { path: "h" }],
    ],
  ];
  it.each(bad)("with %s is refused, and nothing gets out", async (_, message, entries) => {
    await expect(unpack(...entries)).rejects.toMatchObject({
      code: "container_invalid",
      message: expect.stringMatching(message),
    });
    expect(await readdir(join(directory, "a/b"))).toEqual(["root"]);
    expect(await readdir(join(directory, "a"))).toEqual(["b"]);
  });

  it.each([
    ["text", Buffer.from("no tar ".repeat(200))],
    ["cut in an entry", tar([{ path: "f", content: "x".repeat(2000) }]).subarray(0, 1024)],
    ["cut in a header", tar([{ path: "f", content: "x" }]).subarray(0, 100)],
    ["a gzip that is cut", tarGz([{ path: "f", content: "x" }]).subarray(0, 40)],
  ])("that is %s is refused", async (_, bytes) => {
    await expect(unpackBytes(bytes)).rejects.toMatchObject({ code: "container_invalid" });
  });
});

describe("a container's directory", () => {
  it("is copied by the same rules", async () => {
    const from = join(directory, "from");
    mkdirSync(join(from, "etc"), { recursive: true });
    mkdirSync(join(from, "usr"));
    writeFileSync(join(from, "usr/file"), "content");
    symlinkSync("/usr/file", join(from, "etc/link"));
    await copyDirectory(from, into, options);
    expect(content("etc/link")).toBe("content");
    expect(readlinkSync(join(into, "etc/link"))).toBe("../usr/file");
    symlinkSync("../../x", join(from, "etc/out"));
    await expect(copyDirectory(from, join(directory, "again"), options)).rejects.toMatchObject({
      code: "container_invalid",
      message: expect.stringContaining('"etc/out"'),
    });
  });

  it("with a pipe is refused", async () => {
    const from = join(directory, "from");
    mkdirSync(from);
    expect((await runProgram("mkfifo", [join(from, "pipe")])).exitCode).toBe(0);
    await expect(copyDirectory(from, into, options)).rejects.toMatchObject({ code: "container_invalid" });
  });

  it("stops when it is told to", async () => {
    const from = join(directory, "from");
    mkdirSync(join(from, "usr"), { recursive: true });
    const aborted = copyDirectory(from, into, { ...options, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "interrupted" });
  });
});
