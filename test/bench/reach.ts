import type { Figure } from "./statistics.js";

/** What the project set itself to reach: the median of `name`, alone (microseconds) or as a part of another's. */
interface Goal {
  readonly name: string;
  readonly per?: string;
  readonly limit: number;
}

const MILLISECONDS = 1000;
const SECONDS = 1_000_000;

const GOALS: readonly Goal[] = [
  { name: "fork/create", per: "fork/floor", limit: 1.5 },
  { name: "fork/create", per: "fork/create_zeroboot_way_memory_first", limit: 0.75 },
  { name: "fork/create_and_first_cell", per: "fork/create_and_first_cell_memory_first", limit: 0.9 },
  { name: "fork/create_and_first_cell", limit: 5 * MILLISECONDS },
  { name: "cell/engine_round_trip", limit: 0.2 * MILLISECONDS },
  { name: "cell/engine_round_trip_spaced", limit: 0.6 * MILLISECONDS },
  { name: "session/cell_round_trip", limit: 0.8 * MILLISECONDS },
  { name: "rest/exec", limit: 15 * MILLISECONDS },
  { name: "template/build", limit: 75 * SECONDS },
  { name: "template/load", limit: 0.5 * SECONDS },
  { name: "node/first_cell", per: "python/first_cell", limit: 2 },
  { name: "shell/first_cell", per: "python/first_cell", limit: 1 },
  { name: "python/cell", limit: 0.2 * MILLISECONDS },
  { name: "node/cell", limit: 0.2 * MILLISECONDS },
  { name: "shell/cell", limit: 0.2 * MILLISECONDS },
  { name: "python/template_build", limit: 180 * SECONDS },
  { name: "python-data/template_build", limit: 180 * SECONDS },
  { name: "node/template_build", limit: 180 * SECONDS },
  { name: "shell/template_build", limit: 180 * SECONDS },
];

/** A goal held against one run. */
export interface Ratio {
  readonly name: string;
  /** The figure it was divided by; absent: `value` and `limit` are microseconds. */
  readonly per?: string;
  readonly value: number;
  readonly limit: number;
  readonly pass: boolean;
}

/** Every goal this run can tell of. Medians of the same run alone: machines differ, and so do their hours. */
export function holdAgainstGoals(figures: readonly Figure[]): Ratio[] {
  const medians = new Map(figures.map((figure) => [figure.name, figure.p50]));
  return GOALS.flatMap((goal) => {
    const of = medians.get(goal.name) ?? undefined;
    const per = goal.per === undefined ? 1 : (medians.get(goal.per) ?? undefined);
    if (of === undefined || per === undefined) return [];
    const value = Math.round((of / per) * 1000) / 1000;
    return [{ ...goal, value, pass: value <= goal.limit }];
  });
}
