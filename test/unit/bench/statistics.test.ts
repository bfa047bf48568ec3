import { describe, expect, it } from "vitest";
import { percentile, summarize } from "../../bench/statistics.js";

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe("percentile", () => {
  it("is the sample of the nearest rank", () => {
    const sorted = [15, 20, 35, 40, 50];
    expect(percentile(sorted, 5)).toBe(15);
    expect(percentile(sorted, 30)).toBe(20);
    expect(percentile(sorted, 40)).toBe(20);
    expect(percentile(sorted, 50)).toBe(35);
    expect(percentile(sorted, 100)).toBe(50);
  });

  it("is never between two samples", () => {
    expect(percentile([1, 1000], 50)).toBe(1);
    expect(percentile([1, 1000], 51)).toBe(1000);
  });

  it("does not slip a rank where binary fractions do", () => {
    for (let percent = 1; percent <= 100; percent++) {
      expect(percentile(oneTo(100), percent)).toBe(percent);
      expect(percentile(oneTo(1000), percent)).toBe(10 * percent);
    }
  });

  it("takes the largest of few samples for the 99th", () => {
    expect(percentile(oneTo(99), 99)).toBe(99);
    expect(percentile(oneTo(100), 99)).toBe(99);
    expect(percentile(oneTo(101), 99)).toBe(100);
  });

  it("takes a sole sample for every percentile", () => {
    for (const percent of [0, 50, 100]) expect(percentile([7], percent)).toBe(7);
  });

  it("has no answer without samples", () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
  });
});

describe("summarize", () => {
  it("orders samples by value and leaves the caller's order alone", () => {
    const samples = [100, 9, 20];
    expect(summarize("x", samples, 3)).toEqual({
      name: "x",
      unit: "us",
      n: 3,
      ok: 3,
      p50: 20,
      p90: 100,
      p99: 100,
      max: 100,
    });
    expect(samples).toEqual([100, 9, 20]);
  });

  it("counts failed attempts, and takes percentiles of the others", () => {
    const figure = summarize("x", oneTo(100), 110);
    expect(figure).toMatchObject({ n: 110, ok: 100, p50: 50, p90: 90, p99: 99, max: 100 });
  });

  it("has no times where nothing succeeded", () => {
    expect(summarize("x", [], 4)).toMatchObject({ n: 4, ok: 0, p50: null, p90: null, p99: null, max: null });
  });

  it("rounds to a tenth of a microsecond", () => {
    expect(summarize("x", [1.2345], 1)).toMatchObject({ p50: 1.2, max: 1.2 });
  });
});
