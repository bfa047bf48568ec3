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

/**
 * A Python process that forks takes 5 s of a processor on kvm_pvm, and many times that where all sessions of an
 * overloaded machine are at it: each of their ticks takes time, too. For each session of a processor, milliseconds.
 */
const CHILD_MS = 60_000;

/** Slowness is waited for, wrong answers are not: how long, with so many sessions at a time. */
export function paceOf(emulated: boolean, sessions: number): Pace {
  if (emulated) return { patienceMs: 600_000, slowness: 20 };
  return { patienceMs: 60_000 + Math.ceil((sessions * CHILD_MS) / cpus().length), slowness: 1 };
}

/** For a server that is to tell slow guests from deaf ones, and slow cells from endless ones. */
export function serverArguments(emulated: boolean, { patienceMs }: Pace): readonly string[] {
  return [...(emulated ? ["--interrupt-grace-ms", "10000"] : []), "--default-timeout-ms", String(patienceMs)];
}
