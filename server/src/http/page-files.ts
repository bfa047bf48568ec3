import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import * as z from "zod";

/** What a build may have; more is a mistake, and would be held in memory. */
const MAX_FILES = 16;
const MAX_FILE_BYTES = 2 * 1024 * 1024;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Written by web-demo/build.ts, last: the list of what it has made. */
const FILE_LIST = "files.json";
const fileList = z
  .array(z.string().regex(/^(index\.html|assets\/[a-z-]+-[0-9A-Z]{8}\.(js|css|svg))$/, "expected a file of the page"))
  .max(MAX_FILES)
  .refine((names) => names.includes("index.html"), "index.html is missing");

/** One file of the page, as it is served. */
export interface PageFile {
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
  /** Of a strong validator, quotes included. */
  readonly etag: string;
  /** Its name says what is in it: it never changes. */
  readonly immutable: boolean;
}

/**
 * Read the page a build has made: the files of its list and no others, once.
 * @throws Error if there is no build or one that cannot be served
 */
export function readPageFiles(directory: string): PageFile[] {
  const names = fileList.parse(JSON.parse(readBounded(join(directory, FILE_LIST))));
  return names.map((name) => {
    const body = readBounded(join(directory, name));
    return {
      path: name === "index.html" ? "/" : `/${name}`,
      contentType: CONTENT_TYPES[extname(name)] ?? "application/octet-stream",
      body,
      etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
      immutable: name !== "index.html",
    };
  });
}

function readBounded(path: string): string {
  if (statSync(path).size > MAX_FILE_BYTES) throw new RangeError(`${path} has more than ${MAX_FILE_BYTES} bytes`);
  return readFileSync(path, "utf8");
}
