import { readFileSync } from "node:fs";
import { release } from "node:os";

/** What decides it, as the kernel says it. */
export interface KernelFacts {
  /** `uname -r`. */
  readonly release: string;
  /** The module's parameter; undefined if there is none. */
  readonly nxHugePages: string | undefined;
  /** /proc/mounts. */
  readonly mounts: string;
}

/** One line each. */
export interface CreationStall {
  readonly what: string;
  readonly remedy: string;
}

/** The first release of which it is true, and the first of which it no longer is. */
const SINCE = 6_000;
const UNTIL = 6_013;

/**
 * Whether making a VM waits for a lock of the control groups. These kernels start a thread for each VM, against large
 * pages, and move it into the process's group; since Linux 6.0 such a move waits for a grace period of RCU, but with
 * the mount option favordynmods. `nx_huge_pages=N` starts the thread all the same, `never` does not. Linux 6.13 makes
 * it another way.
 */
export function creationStall({ release, nxHugePages, mounts }: KernelFacts = readFacts()): CreationStall | undefined {
  const [, major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(release) ?? []).map(Number);
  const version = major * 1000 + minor;
  if (version < SINCE || version >= UNTIL || nxHugePages === undefined || nxHugePages === "never") return undefined;
  // There is one lock for all hierarchies.
  if (/^\S+ \S+ cgroup2? (?:\S+,)?favordynmods\b/m.test(mounts)) return undefined;
  const [, path] = /^\S+ (\S+) cgroup2 /m.exec(mounts) ?? [];
  const cure =
    path === undefined
      ? "Mount cgroup2 with the option favordynmods"
      : `Run: sudo mount -o remount,favordynmods ${path}`;
  return {
    what: "making a VM waits for a lock of the control groups, about 10 ms each time",
    remedy: `${cure}   or boot with kvm.nx_huge_pages=never, if the kernel knows that word`,
  };
}

function readFacts(): KernelFacts {
  return {
    release: release(),
    nxHugePages: read("/sys/module/kvm/parameters/nx_huge_pages")?.trim(),
    mounts: read("/proc/mounts") ?? "",
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
