import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** SHA-256 of a file, hex. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, signal === undefined ? {} : { signal });
  return hash.digest("hex");
}

/**
 * SHA-256 of named parts, hex. Names and contents are length-prefixed, so that no two different
 * lists of parts have the same input; the order of `parts` does not matter.
 */
export function digestParts(parts: Readonly<Record<string, string | Uint8Array>>): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(parts).sort()) {
    const content = parts[name] ?? "";
    const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
    hash.update(`${Buffer.byteLength(name)}:${name}:${bytes.length}:`);
    hash.update(bytes);
  }
  return hash.digest("hex");
}

/** A key short enough for a directory name; 128 bits are ample against accidents. */
export function shortKey(digest: string): string {
  return digest.slice(0, 32);
}

/** Contents of all files below the given files and directories, by path relative to `base`. */
export async function readTree(base: string, paths: readonly string[]): Promise<Record<string, Uint8Array>> {
  const parts: Record<string, Uint8Array> = {};
  const visit = async (path: string): Promise<void> => {
    const full = join(base, path);
    const entries = await readdir(full, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) {
      parts[path] = await readFile(full);
      return;
    }
    await Promise.all(
      entries
        .filter((entry) => entry.name !== "__pycache__" && !entry.name.startsWith("."))
        .filter((entry) => entry.isDirectory() || entry.isFile())
        .map((entry) => visit(join(path, entry.name))),
    );
  };
  await Promise.all(paths.map(visit));
  return parts;
}
