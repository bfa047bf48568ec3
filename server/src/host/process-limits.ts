import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import type { Finding } from "./findings.js";

/** What one VM takes of each, so that a limit can be told in VMs. */
const PER_VM = { files: 6, threads: 1, mappings: 8, timers: 1 } as const;
/** Fewer VMs than this at one time are worth a warning. */
const FEW_VMS = 100;
/** Of this process itself. */
const OWN = { files: 100, threads: 30, mappings: 1000, timers: 10 } as const;
const MIB = 1024 * 1024;
const LITTLE_MEMORY_BYTES = 1024 * MIB;

/** How many VMs the limits of this process and machine allow. Never throws: what cannot be read is left out. */
export function inspectLimits(): Finding[] {
  return [
    limit(
      "open files (RLIMIT_NOFILE)",
      // The hard limit: Node raises its own soft limit to it.
      processLimit("Max open files", "hard"),
      OWN.files,
      PER_VM.files,
      "Raise it with: ulimit -Hn 1048576",
    ),
    limit(
      // A POSIX timer counts as a pending signal (setrlimit(2)).
      "timers (RLIMIT_SIGPENDING)",
      processLimit("Max pending signals", "soft"),
      OWN.timers,
      PER_VM.timers,
      "Raise it with: ulimit -i 100000",
    ),
    limit(
      "threads of the machine (kernel.threads-max)",
      number("/proc/sys/kernel/threads-max"),
      OWN.threads,
      PER_VM.threads,
      "Raise it with: sudo sysctl kernel.threads-max=100000",
    ),
    limit(
      "processes and threads of this control group (pids.max)",
      pidsMax(),
      OWN.threads,
      PER_VM.threads,
      "Raise TasksMax= of the service or login session.",
    ),
    limit(
      "memory mappings (vm.max_map_count)",
      number("/proc/sys/vm/max_map_count"),
      OWN.mappings,
      PER_VM.mappings,
      "Raise it with: sudo sysctl vm.max_map_count=262144",
    ),
    memory(),
    { level: "ok" as const, what: `${availableParallelism()} CPUs` },
  ].filter((finding) => finding !== undefined);
}

function limit(
  name: string,
  value: number | undefined,
  own: number,
  perVm: number,
  remedy: string,
): Finding | undefined {
  if (value === undefined) return undefined;
  const vms = Math.max(0, Math.floor((value - own) / perVm));
  const what = `${name}: ${value}, enough for ${vms} VMs`;
  return vms >= FEW_VMS ? { level: "ok", what } : { level: "warn", what, remedy };
}

/** One row of /proc/self/limits: its name, the soft and the hard limit, apart by at least two blanks. */
function processLimit(name: string, which: "soft" | "hard"): number | undefined {
  const line = text("/proc/self/limits")
    ?.split("\n")
    .find((entry) => entry.startsWith(name));
  return finite(line?.trim().split(/\s{2,}/)[which === "soft" ? 1 : 2]);
}

function pidsMax(): number | undefined {
  const group = text("/proc/self/cgroup")
    ?.split("\n")
    .find((entry) => entry.startsWith("0::"))
    ?.slice("0::".length);
  return group === undefined ? undefined : number(join("/sys/fs/cgroup", group, "pids.max"));
}

function memory(): Finding {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(text("/proc/meminfo") ?? "")?.[1] ?? 0) * 1024;
  const what = `${Math.round(available / MIB)} MiB of ${Math.round(totalmem() / MIB)} MiB of memory available`;
  if (available >= LITTLE_MEMORY_BYTES) return { level: "ok", what };
  return { level: "warn", what, remedy: "A session takes a few MiB, the template its whole size: end something else." };
}

function number(path: string): number | undefined {
  return finite(text(path)?.trim());
}

function finite(value: string | undefined): number | undefined {
  const parsed = Number(value === "" ? undefined : value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
