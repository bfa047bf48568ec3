import { percentile } from "../bench/statistics.js";
import { type Observation, observedRows } from "./observe.js";
import type { Tally } from "./tally.js";

/** What a soak found. The JSON file holds exactly this. */
export interface SoakReport {
  readonly seed: number;
  readonly machine: string;
  readonly emulated: boolean;
  readonly users: number;
  readonly seconds: number;
  readonly sessions: number;
  readonly cells: number;
  readonly restarts: number;
  readonly actions: Readonly<Record<string, number>>;
  readonly cellMs: Percentiles;
  readonly connectMs: Percentiles;
  readonly before: Observation;
  readonly samples: readonly Observation[];
  readonly after: Observation;
  /** Milliseconds from the last user's going until everything was back. */
  readonly backMs: number;
  readonly problems: readonly string[];
}

export interface Percentiles {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function percentiles(samples: readonly number[]): Percentiles {
  if (samples.length === 0) return { n: 0, p50: 0, p99: 0, max: 0 };
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (percent: number) => Math.round(percentile(sorted, percent) * 10) / 10;
  return { n: samples.length, p50: at(50), p99: at(99), max: at(100) };
}

/** What users did, most often first. */
export function actionsOf(tally: Tally): Record<string, number> {
  return Object.fromEntries([...tally.actions].sort(([, a], [, b]) => b - a));
}

export function formatReport(report: SoakReport): string {
  const { cellMs, connectMs } = report;
  const actions = Object.entries(report.actions).map(([name, n]) => `${n} ${name}`);
  const done = Object.values(report.actions).reduce((sum, n) => sum + n, 0);
  return [
    `seed ${report.seed}; ${report.users} users for ${Math.round(report.seconds)} s on ${report.machine}`,
    `${report.sessions} sessions, ${report.cells} cells, ${report.restarts} restarts, ${done} actions:`,
    `  ${actions.join(", ")}`,
    `small cells, ms: p50 ${cellMs.p50}, p99 ${cellMs.p99}, max ${cellMs.max} (${cellMs.n})`,
    `connect to ready, ms: p50 ${connectMs.p50}, p99 ${connectMs.p99}, max ${connectMs.max} (${connectMs.n})`,
    "",
    table([
      ["", "before", "min", "median", "max", "after"],
      ...observedRows(report.before, report.samples, report.after),
    ]),
    "",
    `everything back ${Math.round(report.backMs)} ms after the last user had gone`,
    ...(report.problems.length === 0 ? ["no mismatch"] : report.problems.map((problem) => `PROBLEM: ${problem}`)),
    "",
  ].join("\n");
}

/** Columns of equal width: the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const cell = (text: string, i: number) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0));
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
