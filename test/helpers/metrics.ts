import parsePrometheusTextFormat from "parse-prometheus-text-format";
import * as z from "zod";
import type { Sources } from "../../server/src/metrics/sources.js";

const labels = z.record(z.string(), z.string()).optional();
const family = z.object({
  name: z.string(),
  help: z.string(),
  type: z.enum(["COUNTER", "GAUGE", "HISTOGRAM", "SUMMARY", "UNTYPED"]),
  metrics: z.array(
    z.object({
      labels,
      value: z.string().optional(),
      buckets: z.record(z.string(), z.string()).optional(),
      count: z.string().optional(),
      sum: z.string().optional(),
    }),
  ),
});

/** Metrics as a scraper reads them. */
export class Scraped {
  readonly #families: ReadonlyMap<string, z.output<typeof family>>;

  /** @throws if `text` is not in Prometheus' text format */
  constructor(text: string) {
    const families = z.array(family).min(1).parse(parsePrometheusTextFormat(text));
    this.#families = new Map(families.map((each) => [each.name, each]));
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#families.keys());
  }

  /** All series of this name whose labels are (among others) these, added up; of a histogram, its count. */
  value(name: string, wanted: Readonly<Record<string, string>> = {}): number {
    const found = this.#families.get(name);
    if (found === undefined) throw new RangeError(`there is no metric ${name}`);
    return found.metrics
      .filter((metric) => Object.entries(wanted).every(([label, value]) => metric.labels?.[label] === value))
      .reduce((sum, metric) => sum + Number(metric.value ?? metric.count), 0);
  }
}

/** Of a server that has nothing and has done nothing. */
export const IDLE_SOURCES: Sources = {
  engine: {
    counts: () => ({ vms: 0, reaping: 0, templates: 0 }),
    totals: () => ({
      exits: { io: 0, mmio: 0, ioapic_eoi: 0, msr_write: 0, internal_error: 0, shutdown: 0, system_event: 0, other: 0 },
      bytesIn: 0,
      bytesOut: 0,
      wakeups: 0,
      parked: 0,
    }),
  },
  sessions: { census: () => ({ max: 1, waitingJobs: 0, byTemplateAndState: [] }) },
  templates: { states: () => new Map() },
};
