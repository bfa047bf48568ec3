import type { ModuleRun } from "./module-run.js";
import type { TestModule } from "./modules.js";
import type { Reason } from "./reasons.js";
import { type EndedTest, isBad } from "./records.js";

/** A module's run, held against what is known of it. */
export interface Verdict {
  readonly run: ModuleRun;
  readonly known: readonly { readonly test: EndedTest; readonly reason: Reason }[];
  /** Failures that nobody has explained. */
  readonly failed: readonly EndedTest[];
  /** Of the list of known failures, what is not true: it passes, or there is no such test. */
  readonly untrue: readonly string[];
}

/** @param isWhole whether all tests of the module were asked for */
export function judge(module: TestModule, run: ModuleRun, isWhole: boolean): Verdict {
  const known: Verdict["known"][number][] = [];
  const failed: EndedTest[] = [];
  const untrue: string[] = [];
  const patterns = (module.known ?? []).flatMap(({ tests, reason }) =>
    tests.map((text) => ({ text, reason, matches: matcherOf(text), isUsed: false })),
  );
  for (const test of run.tests) {
    const pattern = patterns.find(({ matches }) => matches(test.test));
    if (pattern !== undefined) pattern.isUsed = true;
    if (isBad(test)) {
      if (pattern === undefined) failed.push(test);
      else known.push({ test, reason: pattern.reason });
    } else if (pattern !== undefined && pattern.reason.sometimes !== true) {
      untrue.push(`${test.test}: a known failure, and ${test.outcome}`);
    }
  }
  if (isWhole && run.cutShort === undefined) {
    for (const { text, isUsed } of patterns) if (!isUsed) untrue.push(`${text}: a known failure, and no such test`);
  }
  return { run, known, failed, untrue };
}

export function isGood({ run, failed, untrue }: Verdict): boolean {
  return failed.length === 0 && untrue.length === 0 && run.cutShort === undefined;
}

/** `*` stands for anything, as for fnmatch in cell.py. */
function matcherOf(pattern: string): (id: string) => boolean {
  const parts = pattern.split("*").map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`, "s");
  return (id) => expression.test(id);
}
