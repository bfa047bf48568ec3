/** What can be asked for, in the order in which it is measured. */
export const SCENARIOS = ["template", "fork", "cell", "session", "rest", "runtimes"] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Without a name: all but `template` and `runtimes`, which boot templates anew. */
export const DEFAULT_SCENARIOS: readonly Scenario[] = ["fork", "cell", "session", "rest"];

/** How often what is done. */
export interface Counts {
  readonly loads: number;
  /** Rounds; every way to make a fork is taken once in each. */
  readonly forks: number;
  /** Rounds of five cells back to back, one at the terminal and one after a pause. */
  readonly cells: number;
  /** Forks held at once to see what one costs. */
  readonly idleForks: number;
  /** Forks with their first cell, and five times as many cells in a lasting one, for each runtime. */
  readonly runtimes: number;
  /** Rounds of one new session and some cells in a lasting one. */
  readonly sessions: number;
  /** Rounds of one run by REST, 64 by clients side by side, and a batch of a hundred. */
  readonly rest: number;
}

export const FULL: Counts = {
  loads: 5,
  forks: 200,
  cells: 200,
  idleForks: 100,
  runtimes: 100,
  sessions: 100,
  rest: 20,
};
/** Enough to see that all of it works; its percentiles say little. */
export const QUICK: Counts = { loads: 2, forks: 5, cells: 5, idleForks: 20, runtimes: 5, sessions: 5, rest: 1 };
