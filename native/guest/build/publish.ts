import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError, systemCode } from "./errors.js";

/**
 * Make a finished directory visible under its final name, whole or not at all: everything in it
 * is flushed to disk, then it is renamed. If the name is taken, another process published the
 * same content first and ours is dropped.
 *
 * @param from directory on the same file system as `to`
 * @throws SetupError `disk_full`, `home_unusable`
 */
export async function publishDirectory(from: string, to: string): Promise<void> {
  try {
    await syncTree(from);
    await mkdir(dirname(to), { recursive: true });
    try {
      await rename(from, to);
    } catch (error) {
      const code = systemCode(error);
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      await rm(from, { recursive: true, force: true });
    }
    await syncPath(dirname(to));
  } catch (error) {
    throw fileError(error, `publishing ${to}`);
  }
}

/**
 * Write a file whole or not at all: to a temporary name beside it, flushed, then renamed.
 * @throws SetupError `disk_full`, `home_unusable`
 */
export async function publishFile(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "w", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, `writing ${path}`);
  }
}

/** Whether `path` is a regular file of exactly `bytes` bytes. */
export async function isFileOf(path: string, bytes: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === bytes;
}

async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncPath(path);
  }
  await syncPath(directory);
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
