import { readFileSync } from "node:fs";

/** Whether the processor is emulated in software, as by `npm run test:hardware-kvm`: everything takes 10-30 times as long. */
export const isEmulated = /^model name\s*:.*\bTCG\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));

/** A deadline of `ms` on a machine of one's own, with room for a busy one, or for an emulated one. */
export function roomy(ms: number): number {
  return ms * (isEmulated ? 60 : 10);
}
