import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ByteReader } from "./byte-reader.js";
import { unusable } from "./unusable.js";

/** One entry of a tar archive, as the archive says it: nothing of it has been found to be harmless. */
export interface TarEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "symbolic-link" | "hard-link" | "other";
  /** For people, of `other`. */
  readonly what: string;
  /** Of links. */
  readonly target: string;
  readonly mode: number;
  /** Of files, bytes. */
  readonly size: number;
  /** A file's content, to be read before the next entry is asked for, or not at all. */
  content(): AsyncGenerator<Buffer>;
}

const BLOCK = 512;
/** Of a header that says something of the next entry. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

const KINDS: Readonly<Record<string, readonly [TarEntry["kind"], string]>> = {
  "0": ["file", "a file"],
  "\0": ["file", "a file"],
  "7": ["file", "a file"],
  "1": ["hard-link", "a link"],
  "2": ["symbolic-link", "a link"],
  "3": ["other", "a character device"],
  "4": ["other", "a block device"],
  "5": ["directory", "a directory"],
  "6": ["other", "a named pipe"],
};

/**
 * The entries of a tar archive, plain or compressed with gzip: POSIX (ustar and pax) and GNU long names.
 * @throws SetupError `container_invalid` for anything else, and where the archive ends too early
 */
export async function* readTar(path: string): AsyncGenerator<TarEntry> {
  const stream = createReadStream(path, { highWaterMark: 1 << 18 });
  try {
    yield* entriesOf(new ByteReader((await isGzip(path)) ? gunzipped(stream) : stream), path);
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_")) {
      throw unusable(`${path} is not whole: ${error.message}`, error);
    }
    throw error;
  } finally {
    stream.destroy();
  }
}

/** A pipe alone would not hand an error on. */
function gunzipped(stream: Readable): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  stream.on("error", (error) => gunzip.destroy(error));
  return stream.pipe(gunzip);
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

/** What headers before an entry say of it. */
interface Extension {
  path?: string | undefined;
  target?: string | undefined;
  size?: number | undefined;
}

async function* entriesOf(reader: ByteReader, origin: string): AsyncGenerator<TarEntry> {
  const cut = () => unusable(`${origin} ends in the middle of an entry`);
  let extension: Extension = {};
  for (;;) {
    const header = await reader.read(BLOCK);
    if (header.length === 0 || header.every((byte) => byte === 0)) return;
    if (header.length < BLOCK) throw cut();
    requireChecksum(header, origin);
    const flag = String.fromCharCode(header[156] ?? 0);
    const size = extension.size ?? number(header.subarray(124, 136), origin);
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
      if (size > MAX_EXTENSION_BYTES) throw unusable(`${origin} has a header of ${size} bytes`);
      const data = await reader.read(size);
      if (data.length < size || (await reader.read(padding)).length < padding) throw cut();
      if (flag === "x") extension = { ...extension, ...paxExtension(data, origin) };
      if (flag === "L") extension = { ...extension, path: text(data, origin) };
      if (flag === "K") extension = { ...extension, target: text(data, origin) };
      continue;
    }
    const [kind, what] = KINDS[flag] ?? ["other", `an entry of type ${JSON.stringify(flag)}`];
    const bytes = kind === "file" ? size : 0;
    let left = kind === "file" ? size : 0;
    yield {
      path: extension.path ?? headerPath(header, origin),
      kind,
      what,
      target: extension.target ?? text(header.subarray(157, 257), origin),
      mode: number(header.subarray(100, 108), origin) & 0o7777,
      size: bytes,
      async *content() {
        for await (const part of reader.pass(left)) {
          left -= part.length;
          yield part;
        }
        if (left > 0) throw cut();
      },
    };
    // Links and directories have none, whatever their header says.
    const rest = left + (kind === "file" ? padding : 0);
    let skipped = 0;
    for await (const part of reader.pass(rest)) skipped += part.length;
    if (skipped < rest) throw cut();
    extension = {};
  }
}

function headerPath(header: Buffer, origin: string): string {
  const name = text(header.subarray(0, 100), origin);
  const isPosix = header.subarray(257, 263).toString("latin1") === "ustar\0";
  const prefix = isPosix ? text(header.subarray(345, 500), origin) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** `LENGTH KEY=VALUE\n`, repeated; LENGTH is of all of it. */
function paxExtension(data: Buffer, origin: string): Extension {
  const found: Extension = {};
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(data.subarray(at, space).toString("latin1"));
    if (!Number.isSafeInteger(length) || length <= space - at || at + length > data.length) {
      throw unusable(`${origin} has a header that cannot be read`);
    }
    const record = text(data.subarray(space + 1, at + length - 1), origin);
    const equals = record.indexOf("=");
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === "path") found.path = value;
    if (key === "linkpath") found.target = value;
    if (key === "size") found.size = Number(value);
    if (found.size !== undefined && !(Number.isSafeInteger(found.size) && found.size >= 0)) {
      throw unusable(`${origin} has an entry of ${value} bytes`);
    }
    at += length;
  }
  return found;
}

/** Up to the first zero byte. */
function text(field: Buffer, origin: string): string {
  const end = field.indexOf(0);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(end < 0 ? field : field.subarray(0, end));
  } catch (cause) {
    throw unusable(`${origin} has a name that is not UTF-8`, cause);
  }
}

/** Octal digits, or big-endian binary where the first bit is set. */
function number(field: Buffer, origin: string): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, (field[0] ?? 0) & 0x7f);
    if (Number.isSafeInteger(value)) return value;
  } else {
    const digits = field.toString("latin1").replace(/[\0 ]+/g, "");
    if (/^[0-7]*$/.test(digits)) return digits === "" ? 0 : Number.parseInt(digits, 8);
  }
  throw unusable(`${origin} has a header with a number that cannot be read`);
}

function requireChecksum(header: Buffer, origin: string): void {
  const stated = number(header.subarray(148, 156), origin);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== stated) throw unusable(`${origin} is not a tar archive`);
}
