import type { Outcome } from "./records.js";
import { isGood, type Verdict } from "./verdict.js";

const TITLES = ["module", "tests", "ok", "skipped", "known", "failed", "left out", "seconds"] as const;

interface Counts {
  readonly tests: number;
  /** Those included that CPython expects to fail, and that do. */
  readonly ok: number;
  readonly skipped: number;
  readonly known: number;
  readonly failed: number;
  readonly leftOut: number;
  readonly seconds: number;
}

/** By module, as docs/testing.md has it. */
export function formatTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => [verdict.run.module, countsOf(verdict)] as const);
  const sum = (of: keyof Counts) => rows.reduce((before, [, counts]) => before + counts[of], 0);
  const total: Counts = {
    ...{ tests: sum("tests"), ok: sum("ok"), skipped: sum("skipped"), known: sum("known") },
    ...{ failed: sum("failed"), leftOut: sum("leftOut"), seconds: sum("seconds") },
  };
  const lines = [...rows, ["total", total] as const].map(([name, counts]) =>
    line([name === "total" ? name : `\`${name}\``, ...cellsOf(counts)]),
  );
  return `${[line(TITLES), `|---|${"---:|".repeat(TITLES.length - 1)}`, ...lines].join("\n")}\n`;
}

function countsOf({ run, known, failed }: Verdict): Counts {
  const count = (...outcomes: Outcome[]) => run.tests.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return {
    tests: run.tests.length,
    ok: count("ok", "expected failure"),
    skipped: count("skipped"),
    known: known.length,
    failed: failed.length,
    leftOut: run.leftOut,
    seconds: run.seconds,
  };
}

function cellsOf({ tests, ok, skipped, known, failed, leftOut, seconds }: Counts): string[] {
  return [...[tests, ok, skipped, known, failed, leftOut].map(String), String(Math.round(seconds))];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** What is wrong; nothing if all is as it should be. */
export function formatProblems(verdicts: readonly Verdict[]): string {
  return verdicts
    .filter((verdict) => !isGood(verdict))
    .flatMap(({ run, failed, untrue }) => [
      ...failed.map(({ test, outcome, message }) => `${outcome}: ${test}\n${indented(message)}`),
      ...untrue,
      ...(run.cutShort === undefined ? [] : [`${run.module} did not come to its end: ${run.cutShort}`]),
    ])
    .map((problem) => `${problem.trimEnd()}\n`)
    .join("");
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((of) => `    ${of}`)
    .join("\n");
}
