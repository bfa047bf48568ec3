/** One line of the results. Times in microseconds; null where no attempt succeeded. */
export interface Figure {
  readonly name: string;
  readonly unit: "us";
  /** Attempts. */
  readonly n: number;
  /** Attempts that succeeded; the percentiles are of these. */
  readonly ok: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/**
 * The smallest sample that at least `percent` of a hundred of all samples do not exceed (nearest
 * rank): always a time that was measured, never one between two.
 * @param sorted ascending, not empty
 */
export function percentile(sorted: readonly number[], percent: number): number {
  // Multiplied first: 0.07 * 100 is more than 7.
  const rank = Math.max(1, Math.ceil((percent * sorted.length) / 100));
  const sample = sorted[rank - 1];
  if (sample === undefined) throw new RangeError(`no ${percent}th percentile of ${sorted.length} samples`);
  return sample;
}

/** @param n attempts, of which those without a sample failed */
export function summarize(name: string, samples: readonly number[], n: number): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (percent: number): number | null => (sorted.length === 0 ? null : round(percentile(sorted, percent)));
  return { name, unit: "us", n, ok: sorted.length, p50: at(50), p90: at(90), p99: at(99), max: at(100) };
}

/** Clocks here do not tell more than a tenth of a microsecond. */
function round(microseconds: number): number {
  return Math.round(microseconds * 10) / 10;
}
