import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BLOCK_BYTES, placeOf } from "../../../native/guest/build/root/placement.js";

const MEBI = 1024 * 1024;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "zeroboot-placement-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `bytes` in which every block differs from every other, and from those of another `seed`. */
function content(seed: number, bytes: number): Buffer {
  const result = Buffer.alloc(bytes, seed);
  for (let at = 0; at + 8 <= bytes; at += BLOCK_BYTES) result.writeUInt32LE(seed * 100_000 + at / BLOCK_BYTES, at);
  return result;
}

async function find(file: Buffer, image: Buffer): Promise<number | undefined> {
  await writeFile(join(folder, "file"), file);
  await writeFile(join(folder, "image"), image);
  return placeOf(join(folder, "file"), join(folder, "image"));
}

it("finds a file where it begins, wherever the image is read in pieces", async () => {
  const file = content(1, 3 * MEBI + 123);
  for (const place of [0, BLOCK_BYTES, 8 * MEBI - BLOCK_BYTES, 8 * MEBI, 9 * MEBI]) {
    const image = Buffer.concat([content(2, place), file, Buffer.alloc(BLOCK_BYTES)]);
    expect(await find(file, image)).toBe(place);
  }
});

it("is not taken in by one that begins alike, nor by one between two blocks", async () => {
  const file = content(1, 2 * MEBI);
  const alike = Buffer.from(file);
  alike.writeUInt8(0, MEBI / 2);
  expect(await find(file, Buffer.concat([alike, Buffer.alloc(100), file]))).toBeUndefined();
  expect(await find(file, Buffer.concat([alike, file]))).toBe(2 * MEBI);
});

it("finds neither what is not there nor what fills no block", async () => {
  expect(await find(content(1, MEBI), content(2, MEBI))).toBeUndefined();
  expect(await find(content(1, MEBI), Buffer.alloc(0))).toBeUndefined();
  expect(await find(content(1, 100), content(1, MEBI))).toBeUndefined();
});
