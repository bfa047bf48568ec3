import { describe, expect, it } from "vitest";
import type { ModuleRun } from "../../cpython/module-run.js";
import type { TestModule } from "../../cpython/modules.js";
import type { EndedTest, Outcome } from "../../cpython/records.js";
import { formatProblems, formatTable } from "../../cpython/report.js";
import { isGood, judge } from "../../cpython/verdict.js";

function ended(test: string, outcome: Outcome): EndedTest {
  return { kind: "ended", test, outcome, message: outcome === "failed" ? "AssertionError: 1 != 2" : "", seconds: 1 };
}

function run(...tests: readonly EndedTest[]): ModuleRun {
  return { module: "test_x", tests, leftOut: 0, seconds: 2, printed: "" };
}

const always: TestModule = { name: "test_x", known: [{ tests: ["test.test_x.A.test_*"], reason: { text: "so." } }] };
const now: TestModule = {
  name: "test_x",
  known: [{ tests: ["test.test_x.A.*"], reason: { text: "so.", sometimes: true } }],
};

describe("judge", () => {
  it("tells failures that are known from those that are not", () => {
    const verdict = judge(
      always,
      run(ended("test.test_x.A.test_a", "error"), ended("test.test_x.B.test_b", "failed")),
      true,
    );
    expect(verdict.known).toMatchObject([{ test: { test: "test.test_x.A.test_a" }, reason: { text: "so." } }]);
    expect(verdict.failed).toMatchObject([{ test: "test.test_x.B.test_b" }]);
    expect(isGood(verdict)).toBe(false);
    expect(formatProblems([verdict])).toBe("failed: test.test_x.B.test_b\n    AssertionError: 1 != 2\n");
    expect(formatTable([verdict])).toContain("| `test_x` | 2 | 0 | 0 | 1 | 1 | 0 | 2 |\n");
  });

  it("says when a known failure passes, unless it may", () => {
    const passed = run(ended("test.test_x.A.test_a", "ok"));
    expect(judge(always, passed, true).untrue).toEqual(["test.test_x.A.test_a: a known failure, and ok"]);
    expect(judge(now, passed, true)).toMatchObject({ untrue: [], known: [], failed: [] });
  });

  it("says when there is no test of a known failure, if all were asked for", () => {
    expect(judge(always, run(), true).untrue).toEqual(["test.test_x.A.test_*: a known failure, and no such test"]);
    expect(judge(always, run(), false).untrue).toEqual([]);
  });

  it("takes a module that did not come to its end as failed", () => {
    const { untrue, ...verdict } = judge(always, { ...run(), cutShort: "guest_reset" }, true);
    expect(untrue).toEqual([]);
    expect(isGood({ untrue, ...verdict })).toBe(false);
  });
});
