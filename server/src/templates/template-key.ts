import { createHash } from "node:crypto";
import type { BootOptions, HostReport, TemplateInfo } from "../../../native/engine.js";

/** What a template's content depends on, apart from the host. */
export type TemplateInputs = Omit<BootOptions, "label" | "timeoutMs" | "kernelPath" | "rootImagePath">;

/**
 * Name of the snapshot that these inputs give on this host: with the same key it is the same
 * template, and a snapshot under another key is never looked at.
 */
export function templateKey(host: HostReport, inputs: TemplateInputs): string {
  const { cpu } = host;
  const parts = [
    host.engineAbi,
    host.kind,
    [...host.quirks].sort(),
    host.cpuDigest,
    [cpu.vendor, cpu.family, cpu.model, cpu.stepping, cpu.xcr0.toString(16)],
    inputs.kernelDigest,
    inputs.rootDigest,
    inputs.memoryMb,
    Object.entries(inputs.symbols).sort(),
    inputs.extraCommandLine ?? "",
    inputs.warmupCells,
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** Why a snapshot made earlier does not serve now, for people; undefined when nothing of the header differs. */
export function describeDifference(info: TemplateInfo, host: HostReport, inputs: TemplateInputs): string | undefined {
  if (info.engineAbi !== host.engineAbi) return "this version of the engine needs its own";
  if (info.hostKind !== host.kind) return `it was made on a ${info.hostKind} host`;
  if (info.cpuDigest !== host.cpuDigest) return "it was made on another CPU";
  if (info.kernelDigest !== inputs.kernelDigest) return "the guest kernel has changed";
  if (info.rootDigest !== inputs.rootDigest) return "the root image has changed";
  if (info.memoryMb !== inputs.memoryMb) return `it has ${info.memoryMb} MiB of memory`;
  return undefined;
}
