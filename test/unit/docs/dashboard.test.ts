import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { Metrics } from "../../../server/src/metrics/metrics.js";
import { IDLE_SOURCES, Scraped } from "../../helpers/metrics.js";

const dashboard = z.object({
  title: z.string().min(1),
  uid: z.string().min(1),
  schemaVersion: z.int(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
  panels: z
    .array(
      z.object({
        id: z.int(),
        title: z.string().min(1),
        type: z.enum(["timeseries", "stat"]),
        gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
        targets: z.array(z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).min(1),
      }),
    )
    .min(1),
});

const parsed = dashboard.parse(
  JSON.parse(readFileSync(new URL("../../../docs/deploy/grafana.json", import.meta.url), "utf8")),
);

/** As Grafana fills them in. */
const VARIABLES: Readonly<Record<string, string>> = { $__rate_interval: "1m", $instance: ".*" };
const queries = parsed.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

/** The metrics and labels of a query. @throws SyntaxError if it is not PromQL */
function readQuery(query: string): { metrics: string[]; labels: string[] } {
  const text = query.replace(/\$\w+/g, (variable) => VARIABLES[variable] ?? variable);
  const metrics: string[] = [];
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new SyntaxError(`not PromQL at ${from}: ${text}`);
      if (type.name === "Identifier") metrics.push(text.slice(from, to));
      if (type.name === "LabelName") labels.push(text.slice(from, to));
    },
  });
  return { metrics, labels };
}

describe("the dashboard", () => {
  it.each(queries)("%s asks for what there is: %s", async (_, query) => {
    const metrics = new Metrics({ version: "1", kvm: "hardware" });
    metrics.watchProcess();
    const text = await metrics.render(IDLE_SOURCES);
    // A scraper cannot read a family without a sample; its name is in the text all the same.
    const names = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    const asked = readQuery(query);
    expect(asked.metrics.length).toBeGreaterThan(0);
    for (const name of asked.metrics) expect(names).toContain(name.replace(/_(bucket|sum|count)$/, ""));
    expect(new Scraped(text).names.size).toBeGreaterThan(0);
  });

  it("finds the servers by a metric that each has", () => {
    expect(parsed.templating.list.find(({ name }) => name === "instance")?.definition).toContain("zeroboot_build_info");
  });

  it("has panels with ids of their own that do not lie on each other", () => {
    expect(new Set(parsed.panels.map(({ id }) => id)).size).toBe(parsed.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of parsed.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken, title).not.toContain(`${x} ${y}`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});
