import { type FileHandle, open } from "node:fs/promises";

/** Of the image's file system. */
export const BLOCK_BYTES = 4096;

/** As much of a file is compared as tells it from others: from its beginning. */
const COMPARED_BYTES = 1024 * 1024;
const READ_BYTES = 8 * 1024 * 1024;

/**
 * Where a file begins in an image that has every file in one piece, at a block.
 * @returns its offset in bytes; undefined when it is not found
 */
export async function placeOf(file: string, image: string): Promise<number | undefined> {
  await using content = await open(file, "r");
  await using packed = await open(image, "r");
  const beginning = await readAt(content, 0, COMPARED_BYTES);
  const block = beginning.subarray(0, BLOCK_BYTES);
  if (block.length < BLOCK_BYTES) return undefined;
  for (let start = 0; ; start += READ_BYTES) {
    const piece = await readAt(packed, start, READ_BYTES);
    if (piece.length === 0) return undefined;
    for (let at = piece.indexOf(block); at !== -1; at = piece.indexOf(block, at + 1)) {
      const place = start + at;
      if (place % BLOCK_BYTES === 0 && (await readAt(packed, place, COMPARED_BYTES)).equals(beginning)) return place;
    }
  }
}

/** As many bytes as there are, at most `length`. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
