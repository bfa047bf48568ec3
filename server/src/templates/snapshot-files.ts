import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../errors.js";

const SUFFIX = ".zbt";
/** What the engine calls a snapshot while it writes it. */
const UNFINISHED_NAME = /\.zbt\.tmp-\d+-\d+$/;
/** A file nobody has written to for so long will not be finished, milliseconds. Writing one takes seconds. */
const ABANDONED_MS = 3_600_000;
const FILE_NAME = /^([a-z][a-z0-9-]{0,30})-([0-9a-f]{32})\.zbt$/;

/** A snapshot of one of our templates in the cache directory. */
export interface SnapshotFile {
  readonly name: string;
  readonly key: string;
  readonly path: string;
  /** On disk: it is sparse. */
  readonly diskBytes: number;
  readonly modifiedAt: Date;
}

export function snapshotPath(directory: string, name: string, key: string): string {
  return join(directory, `${name}-${key}${SUFFIX}`);
}

/** The snapshots there are, newest first. @param name only of this template */
export async function listSnapshots(directory: string, name?: string): Promise<SnapshotFile[]> {
  const entries = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  const files = await Promise.all(entries.map((entry) => describe(directory, entry)));
  return files
    .filter((file) => file !== undefined)
    .filter((file) => name === undefined || file.name === name)
    .sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
}

export async function removeSnapshot(file: SnapshotFile): Promise<void> {
  await rm(file.path, { force: true });
}

/** Remove what saving left behind where the process was killed. By age: it may have been another machine's process. */
export async function removeAbandoned(directory: string): Promise<void> {
  const entries = await readdir(directory).catch(() => []);
  for (const entry of entries.filter((name) => UNFINISHED_NAME.test(name))) {
    const path = join(directory, entry);
    const status = await stat(path).catch(() => undefined);
    if (status !== undefined && Date.now() - status.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}

async function describe(directory: string, entry: string): Promise<SnapshotFile | undefined> {
  const [, name, key] = FILE_NAME.exec(entry) ?? [];
  if (name === undefined || key === undefined) return undefined;
  const path = join(directory, entry);
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) return undefined;
  return { name, key, path, diskBytes: status.blocks * 512, modifiedAt: status.mtime };
}
