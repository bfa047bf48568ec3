/** The table of docs/metrics.md, from the instruments themselves. */
import { Registry } from "prom-client";
import { createInstruments } from "../../server/src/metrics/instruments.js";
import { type Sections, table } from "./sections.js";

interface Instrument {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

export const METRICS_SECTIONS: Sections = {
  metrics: () => {
    const registry = new Registry();
    createInstruments(registry);
    return table(
      ["metric", "kind", "labels", "what it says"],
      registry.getMetricsAsArray().map((metric) => {
        const { name, help, type, labelNames } = metric as unknown as Instrument;
        return [`\`${name}\``, type, labelNames.map((label) => `\`${label}\``).join(", "), help];
      }),
    );
  },
};
