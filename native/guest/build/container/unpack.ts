import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, open, readdir, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { throwIfAborted } from "../errors.js";
import type { Progress } from "../progress.js";
import { readTar, type TarEntry } from "./tar-reader.js";
import { TreePolicy } from "./tree-policy.js";

export interface UnpackOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/**
 * Unpack a container's tar below an empty directory. Owners, times and special bits are not kept.
 * @throws SetupError `container_invalid`
 */
export async function unpackTar(path: string, into: string, { progress, signal }: UnpackOptions): Promise<void> {
  const policy = new TreePolicy(path);
  await mkdir(into, { recursive: true });
  for await (const entry of readTar(path)) {
    throwIfAborted(signal);
    progress.update(undefined, `unpacking ${entry.path}`);
    await unpackEntry(entry, into, policy);
  }
}

async function unpackEntry(entry: TarEntry, into: string, policy: TreePolicy): Promise<void> {
  const path = policy.path(entry.path);
  if (path === "") return;
  if (entry.kind === "other") policy.refuse(path, entry.what);
  const at = join(into, path);
  if (entry.kind === "directory") {
    policy.add(path, "directory");
    await mkdir(at, { recursive: true });
    return;
  }
  const source = entry.kind === "hard-link" ? policy.hardTarget(path, entry.target) : undefined;
  const isLink = entry.kind === "symbolic-link" || source?.kind === "link";
  // Named by itself it is as it was.
  if (source?.path === path) return;
  const replaced = policy.add(path, isLink ? "link" : "file", entry.size);
  if (replaced === undefined) await mkdir(dirname(at), { recursive: true });
  else await rm(at);
  if (entry.kind === "symbolic-link") await symlink(policy.symbolicTarget(path, entry.target), at);
  else if (source === undefined) await writeContent(entry, at);
  else if (source.kind === "file") await link(join(into, source.path), at);
  else await symlink(policy.symbolicTarget(path, await absoluteTarget(into, source.path)), at);
}

/** Where a link of the unpacked tree leads, seen from the tree's root. */
async function absoluteTarget(into: string, path: string): Promise<string> {
  const depth = path.split("/").length - 1;
  const parts = (await readlink(join(into, path))).split("/");
  const names = parts.findIndex((part) => part !== "..");
  const climbs = names < 0 ? parts.length : names;
  const kept = path.split("/").slice(0, depth - climbs);
  return `/${[...kept, ...parts.slice(climbs)].join("/")}`;
}

async function writeContent(entry: TarEntry, at: string): Promise<void> {
  const file = await open(at, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, modeOf(entry.mode));
  try {
    for await (const part of entry.content()) await file.writeFile(part);
  } finally {
    await file.close();
  }
}

/**
 * Copy a directory that holds a container's files below an empty directory, by the same rules as a tar.
 * @throws SetupError `container_invalid`
 */
export async function copyDirectory(from: string, into: string, { progress, signal }: UnpackOptions): Promise<void> {
  const policy = new TreePolicy(from);
  await mkdir(into, { recursive: true });
  const visit = async (below: string): Promise<void> => {
    const names = (await readdir(join(from, below))).sort();
    for (const name of names) {
      throwIfAborted(signal);
      const path = policy.path(below === "" ? name : `${below}/${name}`);
      progress.update(undefined, `copying ${path}`);
      const status = await lstat(join(from, path));
      const at = join(into, path);
      if (status.isDirectory()) {
        policy.add(path, "directory");
        await mkdir(at, { recursive: true });
        await visit(path);
      } else if (status.isSymbolicLink()) {
        policy.add(path, "link");
        await symlink(policy.symbolicTarget(path, await readlink(join(from, path))), at);
      } else if (status.isFile()) {
        policy.add(path, "file", status.size);
        await copyFile(join(from, path), at, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      } else {
        policy.refuse(path, "a device, a pipe or a socket");
      }
    }
  };
  await visit("");
}

/** Whether it can be run is all that is kept of a mode. */
function modeOf(mode: number): number {
  return (mode & 0o111) !== 0 ? 0o755 : 0o644;
}
