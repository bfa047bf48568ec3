import { describe, expect, it } from "vitest";
import { extendRecipe } from "../../../native/guest/build/root/extend.js";

describe("extendRecipe", () => {
  it("adds lists and records to the base's", () => {
    const base = {
      packages: ["a", "b"],
      links: { one: "1", two: "2" },
      bytecode: { interpreter: "usr/bin/python3.11", roots: ["usr/lib/python3"] },
    };
    const extension = { packages: ["c", "a"], links: { two: "II", three: "3" }, bytecode: { roots: ["opt"] } };
    expect(extendRecipe(base, extension)).toEqual({
      packages: ["a", "b", "c"],
      links: { one: "1", two: "II", three: "3" },
      bytecode: { interpreter: "usr/bin/python3.11", roots: ["usr/lib/python3", "opt"] },
    });
  });

  it("puts scalars, and what the template is, in the place of the base's", () => {
    const base = {
      name: "base",
      template: { memoryMb: 256, warmupCells: ["1", "2"] },
      cost: { seconds: 1, diskMb: 2 },
    };
    const extension = { name: "more", template: { warmupCells: ["3"] }, cost: { seconds: 5 } };
    expect(extendRecipe(base, extension)).toEqual({
      name: "more",
      template: { memoryMb: 256, warmupCells: ["3"] },
      cost: { seconds: 5, diskMb: 2 },
    });
  });

  it("leaves what is of another type than in the base for the schema to refuse", () => {
    expect(extendRecipe({ packages: ["a"] }, { packages: "b" })).toEqual({ packages: "b" });
    expect(extendRecipe({ packages: ["a"] }, [1])).toEqual([1]);
    expect(extendRecipe(undefined, { packages: [] })).toEqual({ packages: [] });
  });

  it("keeps a field named like the prototype a field", () => {
    const extended = extendRecipe({}, JSON.parse('{"__proto__": {"name": "x"}}'));
    expect(Object.keys(extended as object)).toEqual(["__proto__"]);
    expect((extended as { name?: unknown }).name).toBeUndefined();
  });
});
