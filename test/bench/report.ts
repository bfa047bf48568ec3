import { writeFile } from "node:fs/promises";
import type { HostDescription } from "./host.js";
import type { Ratio } from "./reach.js";
import type { RuntimeDescription } from "./runtimes.js";
import type { Figure } from "./statistics.js";
import { formatTable } from "./table.js";

const PAGE_BYTES = 4096;

/** All that a run found. The JSON file holds exactly this. */
export interface Report {
  readonly host: HostDescription;
  /** Empty where runtimes were not measured. */
  readonly runtimes: readonly RuntimeDescription[];
  readonly results: readonly Figure[];
  readonly ratios: readonly Ratio[];
}

export async function writeJson(report: Report, path: string): Promise<void> {
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
}

/** For people: the machine, the table, the goals. */
export function formatReport({ host, runtimes, results, ratios }: Report): string {
  const parts = [formatHost(host)];
  if (runtimes.length > 0) parts.push(formatRuntimes(runtimes));
  if (results.length > 0) parts.push(formatFigures(results));
  if (ratios.length > 0) parts.push(formatRatios(ratios));
  return `${parts.join("\n\n")}\n`;
}

function formatHost(host: HostDescription): string {
  const { template, memoryPerFork } = host;
  const lines = [
    `${host.cpu}, ${host.cores} cores, ${mebibytes(host.memoryBytes)} MiB; Linux ${host.kernel}; Node ${host.node}`,
    `${host.description}; quirks in force: ${host.quirks.join(", ") || "none"}`,
    `guest: ${template.runtime}, ${template.memoryMb} MiB, ${template.storedPages} pages with content, ${template.workingSetPages} prefaulted`,
  ];
  if (host.commit !== null) lines.push(`commit ${host.commit}`);
  if (memoryPerFork !== null) {
    const { forks, bytes, privateBytes } = memoryPerFork;
    lines.push(
      `memory of one idle fork after a cell: ${mebibytes(bytes)} MiB, of it ${mebibytes(privateBytes)} MiB guest pages (${forks} forks)`,
    );
  }
  return lines.join("\n");
}

function formatRuntimes(runtimes: readonly RuntimeDescription[]): string {
  const head = ["MiB", "of guest", "with content", "prefaulted", "per idle fork", "of it guest pages"];
  const rows = runtimes.map(({ template, memoryMb, storedPages, workingSetPages, memoryPerFork: per }) => [
    template,
    String(memoryMb),
    mebibytes(storedPages * PAGE_BYTES),
    mebibytes(workingSetPages * PAGE_BYTES),
    per === null ? "-" : mebibytes(per.bytes),
    per === null ? "-" : mebibytes(per.privateBytes),
  ]);
  return formatTable([head, ...rows]);
}

function formatFigures(results: readonly Figure[]): string {
  const head = ["microseconds", "n", "ok", "p50", "p90", "p99", "max"];
  const rows = results.map((figure) => [
    figure.name,
    String(figure.n),
    String(figure.ok),
    ...[figure.p50, figure.p90, figure.p99, figure.max].map((time) => (time === null ? "-" : time.toFixed(1))),
  ]);
  return formatTable([head, ...rows]);
}

function formatRatios(ratios: readonly Ratio[]): string {
  const head = ["p50", "is", "at most", ""];
  const rows = ratios.map(({ name, per, value, limit, pass }) => [
    per === undefined ? `${name} (us)` : `${name} / ${per}`,
    String(value),
    String(limit),
    pass ? "pass" : "MISS",
  ]);
  return formatTable([head, ...rows]);
}

function mebibytes(bytes: number): string {
  const value = bytes / (1024 * 1024);
  return value.toFixed(value < 100 ? 2 : 0);
}
