import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { digestFile } from "../digest.js";
import { publishFile } from "../publish.js";
import { walkTree } from "../root/tree.js";
import { unusable } from "./unusable.js";

/** Where a container's file system is, outside the cache. */
export interface ContainerSource {
  readonly kind: "directory" | "tar";
  /** Absolute. */
  readonly path: string;
}

const noteSchema = z.strictObject({ stamp: z.string(), digest: z.string().regex(/^[0-9a-f]{64}$/) });

/**
 * SHA-256 of a container's content, hex. Reading all of it takes seconds, so that a note is kept beside the
 * recipe: while nothing has been written since, by the times the file system keeps, the content is the same.
 * @param note file of the note
 * @returns undefined when the source is no longer there
 */
export async function sourceDigest(source: ContainerSource, note: string): Promise<string | undefined> {
  const status = await stat(source.path).catch(() => undefined);
  if (status === undefined) return readNote(note).then((kept) => kept?.digest);
  if (source.kind === "directory" ? !status.isDirectory() : !status.isFile()) {
    throw unusable(`${source.path} is no ${source.kind === "tar" ? "file" : "directory"} any more`);
  }
  const stamp = await stampOf(source);
  const kept = await readNote(note);
  if (kept?.stamp === stamp) return kept.digest;
  const digest = source.kind === "tar" ? await digestFile(source.path) : await digestDirectory(source.path);
  // Without the note it only takes longer the next time.
  await publishFile(note, `${JSON.stringify({ stamp, digest })}\n`).catch(() => undefined);
  return digest;
}

async function readNote(path: string): Promise<z.infer<typeof noteSchema> | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

async function stampOf({ kind, path }: ContainerSource): Promise<string> {
  const hash = createHash("sha256");
  const paths = kind === "tar" ? [path] : (await walkTree(path)).map((entry) => join(path, entry.path));
  for (const each of paths) {
    const { size, mode, ino, mtimeNs, ctimeNs } = await lstat(each, { bigint: true });
    hash.update(JSON.stringify([each, [size, mode, ino, mtimeNs, ctimeNs].map(String)]));
  }
  return hash.digest("hex");
}

/** SHA-256 of all below a directory, hex: names, contents, where links lead, what can be run. */
export async function digestDirectory(root: string): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of await walkTree(root)) {
    const path = join(root, entry.path);
    const { mode, size } = await lstat(path);
    const target = entry.kind === "link" ? await readlink(path) : "";
    hash.update(JSON.stringify([entry.path, entry.kind, mode & 0o111, entry.kind === "file" ? size : 0, target]));
    if (entry.kind !== "file") continue;
    for await (const part of createReadStream(path)) hash.update(part as Buffer);
  }
  return hash.digest("hex");
}
