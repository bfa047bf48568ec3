import { stat } from "node:fs/promises";
import { run } from "../command.js";
import type { BuildContext } from "../context.js";

/** The image's file system id: fixed, so that equal trees give equal images. */
const FILE_SYSTEM_UUID = "7a65726f-626f-4074-8000-000000000001";
const BLOCK_BYTES = 4096;

/**
 * Pack a tree into an EROFS image: uncompressed and without inlined tails, so that a guest maps
 * every file straight from the image's memory (DAX), which all guests share.
 * @returns the image's size in bytes
 */
export async function packImage(
  root: string,
  image: string,
  env: NodeJS.ProcessEnv,
  context: BuildContext,
): Promise<number> {
  const options = ["--quiet", "-T0", "-U", FILE_SYSTEM_UUID, "--all-root", "-x-1", "-E", "noinline_data"];
  await run("mkfs.erofs", [...options, image, root], {
    env,
    log: context.log,
    signal: context.signal,
    holdFd: context.holdFd,
  });
  const { size } = await stat(image);
  if (size === 0 || size % BLOCK_BYTES !== 0) throw new RangeError(`mkfs.erofs wrote an image of ${size} bytes`);
  return size;
}
