import { cpus } from "node:os";
import type { Pace } from "./visit.js";

/** This machine interprets its instructions (QEMU without KVM): right, and ten to thirty times slower. */
export function isEmulated(): boolean {
  return cpus()[0]?.model.includes("QEMU TCG") === true;
}

export function describeMachine(): string {
  const [first] = cpus();
  return `${first?.model.trim() ?? "unknown CPU"}, ${cpus().length} processors${isEmulated() ? " (emulated)" : ""}`;
}

/** Slowness is waited for, wrong answers are not. */
export function paceOf(emulated: boolean): Pace {
  return emulated ? { patienceMs: 600_000, slowness: 20 } : { patienceMs: 60_000, slowness: 1 };
}

/** For a server that is to tell slow guests from deaf ones, and slow cells from endless ones. */
export function serverArguments(emulated: boolean): readonly string[] {
  return emulated ? ["--interrupt-grace-ms", "10000", "--default-timeout-ms", "600000"] : [];
}
