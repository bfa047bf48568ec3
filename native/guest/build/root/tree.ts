import { chmod, cp, lstat, mkdir, readdir, readlink, rename, rm, rmdir, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { systemCode } from "../errors.js";
import { packageRoot } from "../home.js";
import { globMatcher } from "./glob.js";
import type { Recipe } from "./recipe.js";

/** An entry of an unpacked tree. */
export interface TreeEntry {
  /** Relative to the tree's root. */
  path: string;
  kind: "file" | "directory" | "link" | "other";
}

/** All entries below `root`, parents first, in an order that is always the same. */
export async function walkTree(root: string, below = ""): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  const entries = await readdir(join(root, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      found.push({ path, kind: "directory" }, ...(await walkTree(root, path)));
    } else {
      found.push({ path, kind: entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : "other" });
    }
  }
  return found;
}

/**
 * Move `bin`, `sbin` and `lib*` into `usr` and leave links, as an installed Debian has it.
 * Packages still ship files in both places.
 */
export async function mergeUsr(root: string): Promise<void> {
  for (const name of ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]) {
    const from = join(root, name);
    const to = join(root, "usr", name);
    const found = await lstat(from).catch(() => undefined);
    if (found?.isSymbolicLink() === true) continue;
    if (found === undefined && (await lstat(to).catch(() => undefined)) === undefined) continue;
    await mkdir(to, { recursive: true });
    if (found !== undefined) await mergeInto(from, to);
    await symlink(`usr/${name}`, from);
  }
}

async function mergeInto(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    const existing = await lstat(target).catch(() => undefined);
    if (entry.isDirectory() && existing?.isDirectory() === true) await mergeInto(source, target);
    else await rename(source, target);
  }
  await rmdir(from);
}

/** Remove what the patterns match, and directories that are empty because of it. */
export async function removeMatching(root: string, patterns: readonly string[]): Promise<void> {
  const matches = globMatcher(patterns);
  for (const entry of await walkTree(root)) {
    if (!matches(entry.path)) continue;
    await rm(join(root, entry.path), { recursive: true, force: true });
    await pruneEmpty(root, dirname(entry.path));
  }
}

async function pruneEmpty(root: string, path: string): Promise<void> {
  for (let at = path; at !== "." && at !== ""; at = dirname(at)) {
    try {
      await rmdir(join(root, at));
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOTEMPTY" || code === "EEXIST") return;
      if (code !== "ENOENT") throw error;
    }
  }
}

/** Remove links that lead nowhere within the tree, outside the given directories of run time. */
export async function removeDanglingLinks(root: string): Promise<void> {
  for (const entry of await walkTree(root)) {
    if (entry.kind !== "link") continue;
    const path = join(root, entry.path);
    const target = await readlink(path);
    const absolute = target.startsWith("/") ? join(root, target) : join(dirname(path), target);
    if (/^(proc|dev|run|tmp|sys)\b/.test(relative(root, absolute))) continue;
    if ((await lstat(absolute).catch(() => undefined)) === undefined) await rm(path, { force: true });
  }
}

/** The recipe's directories, files and links, over what the packages brought. */
export async function addOwnFiles(root: string, recipe: Recipe): Promise<void> {
  for (const [path, mode] of Object.entries(recipe.directories)) {
    await mkdir(join(root, path), { recursive: true });
    await chmod(join(root, path), Number.parseInt(mode, 8));
  }
  for (const [path, source] of Object.entries(recipe.copy)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await cp(join(packageRoot(), source), join(root, path), {
      recursive: true,
      force: true,
      filter: (from) => !/(^|\/)(__pycache__|\.[^/]*)$/.test(from),
    });
  }
  for (const [path, target] of Object.entries(recipe.links)) {
    const link = join(root, path);
    await mkdir(dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(target, link);
  }
}

/**
 * Modes that do not depend on who unpacks with which umask: the owner's rights for all, except
 * what packages and recipe say of directories like /tmp. No file keeps set-id bits: the guest's
 * only user is root.
 */
export async function normaliseModes(root: string, recipe: Recipe): Promise<void> {
  for (const entry of await walkTree(root)) {
    if (entry.kind !== "file" && entry.kind !== "directory") continue;
    const path = join(root, entry.path);
    const { mode } = await lstat(path);
    const explicit = recipe.directories[entry.path];
    if (explicit !== undefined) await chmod(path, Number.parseInt(explicit, 8));
    else await chmod(path, entry.kind === "directory" || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
