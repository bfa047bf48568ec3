import { describe, expect, it } from "vitest";
import { completeLine } from "../../../../../server/src/cli/repl/completer.js";

/** Matches for the last `length` characters of what is asked. */
function matching(length: number, ...matches: string[]) {
  return async (code: string) => ({ matches, start: code.length - length, end: code.length });
}

describe("Tab", () => {
  it("asks with all of the cell, and tells what the matches stand for", async () => {
    const asked: string[] = [];
    const answer = await completeLine(["def f():", "    '🐍'"], "    pr", (code) => {
      asked.push(code);
      return matching(2, "print", "property")(code);
    });
    expect(asked).toEqual(["def f():\n    '🐍'\n    pr"]);
    expect(answer).toEqual([["print", "property"], "pr"]);
  });

  it("does not change what stands in a line above", async () => {
    expect(await completeLine(["a."], "b", matching(2, "zz"))).toEqual([[], "b"]);
  });

  it("indents where there is nothing to complete", async () => {
    const never = () => Promise.reject(new Error("asked"));
    expect(await completeLine(["def f():"], "", never)).toEqual([["    "], ""]);
    expect(await completeLine(["def f():"], "  ", never)).toEqual([["    "], ""]);
  });
});
