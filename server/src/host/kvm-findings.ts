import { readFileSync } from "node:fs";
import { release } from "node:os";
import { type HostReport, loadEngine } from "../../../native/index.js";
import { errorCode } from "../errors.js";
import type { Finding } from "./findings.js";
import { inspectKvmDevice, kvmRemedy } from "./kvm-advice.js";

/** How `nx_huge_pages` says that it is off, by kernel. */
const OFF = new Set(["N", "off", "never"]);

/** Whether KVM can be used, what kind it is, and what slows it down. Never throws. */
export function inspectKvm(): Finding[] {
  const device = inspectKvmDevice();
  let host: HostReport;
  try {
    host = loadEngine().probeHost();
  } catch (error) {
    const code = errorCode(error);
    const what = error instanceof Error ? (error.message.split("\n")[0] ?? error.message) : String(error);
    if (code === "addon_missing") return [{ level: "fail", what, remedy: "Run: npm run build:native" }];
    const remedy = code === "kvm_unsuitable" ? "Use a newer kernel or another kind of host." : kvmRemedy(device);
    return [{ level: "fail", what: `KVM: ${what} (${code ?? "unknown"})`, remedy }];
  }
  return [...describeHost(host), ...creationStalls()];
}

function describeHost(host: HostReport): Finding[] {
  const { cpu } = host;
  const quirks = host.quirks.length === 0 ? "none" : host.quirks.join(", ");
  return [
    { level: "ok", what: `/dev/kvm can be used: ${host.description}` },
    { level: "ok", what: `quirks in force: ${quirks}` },
    {
      level: "ok",
      what:
        `CPU ${cpu.vendor} family ${cpu.family} model ${cpu.model} stepping ${cpu.stepping}, ` +
        `XCR0 0x${cpu.xcr0.toString(16)}, TSC ${Math.round(host.tscKhz / 1000)} MHz`,
    },
  ];
}

/**
 * Linux 6.0 and later make a thread per VM against large pages, whose start waits for a lock of
 * the control groups: creating a VM then takes milliseconds.
 */
function creationStalls(): Finding[] {
  const [major = 0] = release().split(".").map(Number);
  if (major < 6) return [];
  const nxHugePages = read("/sys/module/kvm/parameters/nx_huge_pages")?.trim();
  const favorDynamicMoves = /^cgroup2 .*\bfavordynmods\b/m.test(read("/proc/mounts") ?? "");
  if (nxHugePages === undefined || OFF.has(nxHugePages) || favorDynamicMoves) return [];
  return [
    {
      level: "warn",
      what: `kvm.nx_huge_pages is ${nxHugePages} and cgroup2 is mounted without favordynmods: making a VM may stall`,
      remedy: "Run: sudo mount -o remount,favordynmods /sys/fs/cgroup   or boot with kvm.nx_huge_pages=never",
    },
  ];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
