import { describe, expect, it } from "vitest";
import { choose } from "../../cpython/choose.js";
import { MODULES } from "../../cpython/modules.js";

describe("choose", () => {
  it("takes all modules if none is named", () => {
    expect(choose([]).map(({ module }) => module)).toEqual(MODULES);
  });

  it("takes whole modules, or the tests that are named", () => {
    const chosen = choose(["test_json", "test.test_math.MathTests.testAcos", "test_math.MathTests.testAtan"]);
    expect(chosen.map(({ module, tests }) => [module.name, tests])).toEqual([
      ["test_json", []],
      ["test_math", ["test.test_math.MathTests.testAcos", "test.test_math.MathTests.testAtan"]],
    ]);
  });

  it("refuses a name that is of no module", () => {
    expect(() => choose(["test_jso"])).toThrow("--only: no module of the list has test.test_jso");
  });
});
