import { execFileSync } from "node:child_process";
import { chmod, lstat, mkdir, mkdtemp, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseElf, physicalAddresses } from "../../../native/guest/build/elf.js";
import { globMatcher } from "../../../native/guest/build/root/glob.js";
import { compareSonames, loaderCache } from "../../../native/guest/build/root/loader-cache.js";
import { parseRecipe } from "../../../native/guest/build/root/recipe.js";
import {
  addOwnFiles,
  mergeUsr,
  normaliseModes,
  removeDanglingLinks,
  removeMatching,
  walkTree,
} from "../../../native/guest/build/root/tree.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "zeroboot-tree-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
}
const paths = async (): Promise<string[]> => (await walkTree(root)).map((entry) => entry.path);

describe("globMatcher", () => {
  it.each([
    ["usr/share/doc/**", "usr/share/doc", true],
    ["usr/share/doc/**", "usr/share/doc/a/b", true],
    ["usr/share/doc/**", "usr/share/docs", false],
    ["numpy/**/tests/**", "numpy/tests/a.py", true],
    ["numpy/**/tests/**", "numpy/x/y/tests", true],
    ["numpy/**/tests/**", "numpy/mytests/a", false],
    ["lib/*.a", "lib/x.a", true],
    ["lib/*.a", "lib/d/x.a", false],
    ["lib/*.a", "lib/xba", false],
    ["**/*.pyc", "a/b.pyc", true],
    ["a+b(c)", "a+b(c)", true],
  ])("%s on %s: %s", (pattern, path, matches) => {
    expect(globMatcher([pattern])(path)).toBe(matches);
  });
});

describe("the tree of an image", () => {
  it("gets bin and lib merged into usr", async () => {
    await put("bin/sh", "lib/x/libc.so", "usr/bin/ls", "usr/lib/x/libm.so", "usr/lib64/ld.so");
    await mergeUsr(root);
    await mergeUsr(root);
    expect(await paths()).toEqual(
      expect.arrayContaining(["usr/bin/sh", "usr/bin/ls", "usr/lib/x/libc.so", "usr/lib/x/libm.so"]),
    );
    expect(await readlink(join(root, "bin"))).toBe("usr/bin");
    expect(await readlink(join(root, "lib64"))).toBe("usr/lib64");
  });

  it("loses what patterns match and directories emptied by it", async () => {
    await put("usr/share/doc/a/b", "usr/share/keep", "usr/only/gone.a");
    await removeMatching(root, ["usr/share/doc/**", "usr/only/*.a"]);
    expect(await paths()).toEqual(["usr", "usr/share", "usr/share/keep"]);
  });

  it("loses links that lead nowhere, but not those into run time", async () => {
    await put("usr/lib/real");
    await symlink("real", join(root, "usr/lib/good"));
    await symlink("/usr/lib/real", join(root, "absolute"));
    await symlink("gone", join(root, "usr/lib/bad"));
    await symlink("/proc/self/mounts", join(root, "mtab"));
    await removeDanglingLinks(root);
    expect(await paths()).toEqual(["absolute", "mtab", "usr", "usr/lib", "usr/lib/good", "usr/lib/real"]);
  });

  it("gets the recipe's files, links and modes, the same under every umask", async () => {
    const recipe = parseRecipe(
      JSON.stringify({
        name: "tiny",
        title: "t",
        packages: ["dash"],
        links: { "usr/bin/sh": "dash" },
        directories: { tmp: "1777", proc: "0555" },
        copy: { "etc/config": "native/guest/kernel/guest.config" },
        template: { memoryMb: 64 },
        cost: { downloadMb: 1, seconds: 1, diskMb: 1 },
      }),
      "recipe.json",
    );
    await put("usr/bin/dash", "usr/bin/su", "etc/plain");
    await chmod(join(root, "usr/bin/dash"), 0o700);
    await chmod(join(root, "usr/bin/su"), 0o4755);
    await chmod(join(root, "etc/plain"), 0o600);
    await addOwnFiles(root, recipe);
    await normaliseModes(root, recipe);
    const mode = async (path: string): Promise<string> => ((await lstat(join(root, path))).mode & 0o7777).toString(8);
    expect(await mode("tmp")).toBe("1777");
    expect(await mode("proc")).toBe("555");
    expect(await mode("usr/bin/dash")).toBe("755");
    expect(await mode("usr/bin/su")).toBe("755");
    expect(await mode("etc/plain")).toBe("644");
    expect((await stat(join(root, "etc/config"))).size).toBeGreaterThan(100);
    expect(await readlink(join(root, "usr/bin/sh"))).toBe("dash");
  });
});

describe("loaderCache", () => {
  it("orders names as glibc does: digits as numbers, after everything else", () => {
    const names = ["libb.so.10", "libb.so.9", "liba.so", "libz.so.1", "libb.so", "lib1.so"];
    expect(names.sort(compareSonames)).toEqual([
      "liba.so",
      "libb.so",
      "libb.so.9",
      "libb.so.10",
      "libz.so.1",
      "lib1.so",
    ]);
    expect(compareSonames("x", "x")).toBe(0);
  });

  it("is read by the system's own ldconfig", async () => {
    const libraries = ["libc.so.6", "libm.so.6", "libicu.so.72", "libicu.so.8"].map((soname) => ({
      soname,
      path: `/usr/lib/x86_64-linux-gnu/${soname}`,
    }));
    await writeFile(join(root, "cache"), loaderCache(libraries));
    const printed = execFileSync("/sbin/ldconfig", ["-p", "-C", join(root, "cache")], { encoding: "utf8" });
    expect(printed).toContain("4 libs found");
    expect(printed.split("\n").slice(1, 5)).toEqual([
      "\tlibm.so.6 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libm.so.6",
      "\tlibicu.so.72 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libicu.so.72",
      "\tlibicu.so.8 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libicu.so.8",
      "\tlibc.so.6 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libc.so.6",
    ]);
  });
});

/** An ELF file with one load segment at 0xffffffff81000000 -> 0x1000000 and one symbol in it. */
function vmlinux(symbol: string): Buffer {
  const bytes = Buffer.alloc(0x300);
  bytes.writeUInt32BE(0x7f454c46, 0);
  bytes.set([2, 1, 1], 4);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(62, 18);
  bytes.writeBigUInt64LE(64n, 32); // program headers
  bytes.writeBigUInt64LE(128n, 40); // section headers
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(2, 60);
  bytes.writeUInt32LE(1, 64);
  bytes.writeBigUInt64LE(0xffffffff81000000n, 64 + 16);
  bytes.writeBigUInt64LE(0x1000000n, 64 + 24);
  bytes.writeBigUInt64LE(0x100n, 64 + 32);
  bytes.writeBigUInt64LE(0x2000n, 64 + 40);
  bytes.writeUInt32LE(2, 128 + 4); // symbols at 0x200, names at 0x280
  bytes.writeBigUInt64LE(0x200n, 128 + 24);
  bytes.writeBigUInt64LE(48n, 128 + 32);
  bytes.writeUInt32LE(1, 128 + 40);
  bytes.writeBigUInt64LE(24n, 128 + 56);
  bytes.writeUInt32LE(3, 192 + 4);
  bytes.writeBigUInt64LE(0x280n, 192 + 24);
  bytes.writeUInt32LE(1, 0x200 + 24);
  bytes.writeBigUInt64LE(0xffffffff81001234n, 0x200 + 24 + 8);
  bytes.write(`\0${symbol}\0`, 0x280, "latin1");
  return bytes;
}

describe("ELF", () => {
  it("gives a symbol's guest-physical address by the segment it lies in, also past its file contents", () => {
    const bytes = vmlinux("total_forks");
    expect(physicalAddresses(bytes, parseElf(bytes), ["total_forks", "absent"])).toEqual({ total_forks: 0x1001234n });
  });

  it("does not take a longer name for the symbol", () => {
    const bytes = vmlinux("total_forks_max");
    expect(physicalAddresses(bytes, parseElf(bytes), ["total_forks"])).toEqual({});
  });

  it("throws on truncated tables", () => {
    expect(() => parseElf(vmlinux("x").subarray(0, 100))).toThrow(RangeError);
  });
});
