import type { KernelSymbol, KernelSymbols } from "../../../engine.js";
import { EM_X86_64, parseElf, physicalAddresses, readElf } from "../elf.js";

/**
 * Kernel symbols the engine may look at in guest memory. `total_forks`: how many processes and
 * threads the guest has ever started, which tells whether a waiting guest can be parked as it is.
 * `base_crng` and `input_pool` (drivers/char/random.c): where the engine gives each fork its own
 * randomness, dated by `jiffies_64`. The others (kernel/time, and the vDSO's data): where it sets each
 * fork's wall clock.
 */
export const SYMBOLS: readonly KernelSymbol[] = [
  "total_forks",
  "base_crng",
  "input_pool",
  "jiffies_64",
  "tk_core",
  "shadow_timekeeper",
  "tk_fast_mono",
  "_vdso_data",
  "hrtimer_bases",
];

/** A manifest's symbols as the engine takes them. */
export function symbolAddresses(symbols: Readonly<Record<string, string>>): KernelSymbols {
  return Object.fromEntries(SYMBOLS.filter((name) => name in symbols).map((name) => [name, Number(symbols[name])]));
}

/**
 * Guest-physical addresses of the symbols, hexadecimal, by the load addresses of the kernel's own
 * segments: it is not relocated (CONFIG_RELOCATABLE=n), so they hold.
 */
export async function kernelSymbols(vmlinux: string): Promise<Record<string, string>> {
  const bytes = await readElf(vmlinux);
  if (bytes === undefined) return {};
  const elf = parseElf(bytes);
  if (elf.machine !== EM_X86_64) return {};
  const found = physicalAddresses(bytes, elf, SYMBOLS);
  return Object.fromEntries(Object.entries(found).map(([name, address]) => [name, `0x${address.toString(16)}`]));
}
