import { describe, expect, it } from "vitest";
import { Samples } from "../../bench/samples.js";

describe("Samples", () => {
  it("keeps figures in the order of their first sample and joins what comes under one name", () => {
    const samples = new Samples(() => {});
    samples.add("b", [1], 1);
    samples.add("a", [5], 2);
    samples.add("b", [3], 1);
    expect(samples.figures().map(({ name, n, ok, max }) => ({ name, n, ok, max }))).toEqual([
      { name: "b", n: 2, ok: 2, max: 3 },
      { name: "a", n: 2, ok: 1, max: 5 },
    ]);
  });

  it("counts an attempt that throws, says why and goes on", async () => {
    const said: string[] = [];
    const samples = new Samples((text) => said.push(text));
    expect(await samples.measure("x", () => Promise.reject(new Error("refused")))).toBeUndefined();
    expect(await samples.measure("x", () => Promise.resolve("value"))).toBe("value");
    expect(samples.figures()).toMatchObject([{ name: "x", n: 2, ok: 1 }]);
    expect(said).toEqual(["x: refused"]);
  });
});
