import { type HostReport, loadEngine } from "../../../native/index.js";
import { errorCode } from "../errors.js";
import { creationStall } from "./creation-stall.js";
import type { Finding } from "./findings.js";
import { inspectKvmDevice, kvmRemedy } from "./kvm-advice.js";

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
  const stall = creationStall();
  return [...describeHost(host), ...(stall === undefined ? [] : [{ level: "warn" as const, ...stall }])];
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
