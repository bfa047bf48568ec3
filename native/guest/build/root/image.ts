import { lstat, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../command.js";
import type { BuildContext } from "../context.js";
import { SetupError } from "../errors.js";
import { BLOCK_BYTES, placeOf } from "./placement.js";

/** The image's file system id: fixed, so that equal trees give equal images. */
const FILE_SYSTEM_UUID = "7a65726f-626f-4074-8000-000000000001";
const HUGE_PAGE_BYTES = 2 * 1024 * 1024;
/** Before the programs in the image's order, and below what a guest mounts its devices on. */
const PADDING = "dev/padding";
/** Padding of another size may need another block for what describes it. */
const ATTEMPTS = 4;

/**
 * Pack a tree into an EROFS image: uncompressed and without inlined tails, so that a guest maps
 * every file straight from the image's memory (DAX), which all guests share.
 * @param aligned a file that is to begin at a multiple of 2 MiB, so that it is mapped in huge pages: where mkfs.erofs
 *   lets it
 * @returns the image's size in bytes
 * @throws SetupError `recipe_invalid` when `aligned` is no file of the tree
 */
export async function packImage(
  root: string,
  image: string,
  env: NodeJS.ProcessEnv,
  context: BuildContext,
  aligned?: string,
): Promise<number> {
  await pack(root, image, env, context);
  if (aligned !== undefined) await align(root, image, aligned, () => pack(root, image, env, context));
  const { size } = await stat(image);
  if (size === 0 || size % BLOCK_BYTES !== 0) throw new RangeError(`mkfs.erofs wrote an image of ${size} bytes`);
  return size;
}

async function pack(root: string, image: string, env: NodeJS.ProcessEnv, context: BuildContext): Promise<void> {
  const options = ["--quiet", "-T0", "-U", FILE_SYSTEM_UUID, "--all-root", "-x-1", "-E", "noinline_data"];
  await run("mkfs.erofs", [...options, image, root], {
    env,
    log: context.log,
    signal: context.signal,
    holdFd: context.holdFd,
  });
}

/** Packs again with something before the file, as much as it needs to begin where it should. */
async function align(root: string, image: string, file: string, packAgain: () => Promise<void>): Promise<void> {
  if ((await lstat(join(root, file)).catch(() => undefined))?.isFile() !== true) {
    throw new SetupError("recipe_invalid", `the recipe's hugePages names ${file}, which is no file of the image`, {
      remedy: "Correct the recipe.",
    });
  }
  await mkdir(dirname(join(root, PADDING)), { recursive: true });
  let padding = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const beyond = ((await placeOf(join(root, file), image)) ?? 0) % HUGE_PAGE_BYTES;
    if (beyond === 0) break;
    padding = (padding + HUGE_PAGE_BYTES - beyond) % HUGE_PAGE_BYTES;
    await writeFile(join(root, PADDING), Buffer.alloc(padding));
    await packAgain();
  }
  await rm(join(root, PADDING), { force: true });
}
