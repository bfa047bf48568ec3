import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** Where a command reads and writes; `process` is one. */
export interface StandardStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

/** Write, and wait while the reader does not keep up. */
export async function writeAll(stream: Writable, data: Uint8Array | string): Promise<void> {
  if (!stream.write(data) && !stream.destroyed) await once(stream, "drain");
}

/** Answers when everything written is out of this process's hands. */
export async function flushed(stream: Writable): Promise<void> {
  if (stream.writableLength > 0 && !stream.destroyed) await new Promise((resolve) => stream.write("", resolve));
}
