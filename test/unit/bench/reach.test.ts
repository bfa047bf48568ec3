import { describe, expect, it } from "vitest";
import { holdAgainstGoals } from "../../bench/reach.js";
import { summarize } from "../../bench/statistics.js";

describe("holdAgainstGoals", () => {
  it("divides medians of one run", () => {
    const figures = [summarize("fork/floor", [100, 100, 900], 3), summarize("fork/create", [149, 150, 1000], 3)];
    expect(holdAgainstGoals(figures)).toEqual([
      { name: "fork/create", per: "fork/floor", value: 1.5, limit: 1.5, pass: true },
    ]);
  });

  it("says what is missed", () => {
    expect(holdAgainstGoals([summarize("cell/engine_round_trip", [201], 1)])).toEqual([
      { name: "cell/engine_round_trip", value: 201, limit: 200, pass: false },
    ]);
  });

  it("is silent on what was not measured, and on what never succeeded", () => {
    expect(holdAgainstGoals([summarize("fork/create", [1], 1)])).toEqual([]);
    expect(holdAgainstGoals([summarize("template/load", [], 3)])).toEqual([]);
  });
});
