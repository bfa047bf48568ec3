import { execFile } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { HostReport, TemplateInfo } from "../../native/engine.js";
import type { MemoryPerFork } from "./engine-bench.js";

/** What the figures were measured on: they mean nothing without it. */
export interface HostDescription {
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kind: HostReport["kind"];
  readonly description: string;
  readonly quirks: readonly string[];
  readonly node: string;
  /** With `-dirty` if the checkout differs from it; null outside of a checkout. */
  readonly commit: string | null;
  readonly template: Pick<TemplateInfo, "runtime" | "memoryMb" | "storedPages" | "workingSetPages">;
  /** Null where forks were not measured. */
  readonly memoryPerFork: MemoryPerFork | null;
}

export async function describeHost(
  host: HostReport,
  info: TemplateInfo,
  memoryPerFork: MemoryPerFork | null,
  checkout: string,
): Promise<HostDescription> {
  const { kind, description, quirks } = host;
  const { runtime, memoryMb, storedPages, workingSetPages } = info;
  return {
    kernel: release(),
    cpu: cpus()[0]?.model.trim() ?? "unknown CPU",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kind,
    description,
    quirks,
    node: process.versions.node,
    commit: await commitOf(checkout),
    template: { runtime, memoryMb, storedPages, workingSetPages },
    memoryPerFork,
  };
}

async function commitOf(checkout: string): Promise<string | null> {
  try {
    const git = promisify(execFile);
    const { stdout } = await git("git", ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], {
      cwd: checkout,
    });
    return stdout.trim();
  } catch {
    // A package without its history, or a machine without git.
    return null;
  }
}
