import { open } from "node:fs/promises";
import type { KernelSymbols } from "../../../engine.js";
import { digestFile } from "../digest.js";
import { SetupError } from "../errors.js";
import { kernelSymbols, symbolAddresses } from "./symbols.js";

/** A kernel the user brings. */
export interface GivenKernel {
  path: string;
  /** SHA-256, hex. */
  digest: string;
  /** At most `total_forks`: what lies behind the others is known of our own kernels only. */
  symbols: KernelSymbols;
}

const ELF_MAGIC = 0x7f454c46;
/** "HdrS" of the boot protocol, at 0x202 of a bzImage. */
const BZIMAGE_MAGIC = "HdrS";

/**
 * Look at a kernel given by path: vmlinux or bzImage.
 * @throws SetupError `kernel_invalid`
 */
export async function givenKernel(path: string): Promise<GivenKernel> {
  try {
    const file = await open(path, "r");
    const head = Buffer.alloc(0x206);
    try {
      await file.read(head, 0, head.length, 0);
    } finally {
      await file.close();
    }
    const isElf = head.readUInt32BE(0) === ELF_MAGIC;
    if (!isElf && head.toString("latin1", 0x202, 0x206) !== BZIMAGE_MAGIC)
      throw new TypeError("neither vmlinux nor bzImage");
    const { total_forks } = isElf ? symbolAddresses(await kernelSymbols(path)) : {};
    return { path, digest: await digestFile(path), symbols: total_forks === undefined ? {} : { total_forks } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SetupError("kernel_invalid", `cannot use ${path} as the guest's kernel: ${why}`, {
      remedy: "Give the path of an uncompressed x86-64 vmlinux or of a bzImage.",
      cause: error,
    });
  }
}
