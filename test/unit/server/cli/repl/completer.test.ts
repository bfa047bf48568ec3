import { describe, expect, it } from "vitest";
import { completeLine } from "../../../../../server/src/cli/repl/completer.js";

describe("Tab", () => {
  it("asks with all of the cell, in code points, and tells what the matches stand for", async () => {
    const asked: [string, number][] = [];
    const answer = await completeLine(["def f():", "    '🐍'"], "    pr", async (code, cursor) => {
      asked.push([code, cursor]);
      return { matches: ["print", "property"], start: cursor - 2 };
    });
    expect(asked).toEqual([["def f():\n    '🐍'\n    pr", 23]]);
    expect(answer).toEqual([["print", "property"], "pr"]);
  });

  it("counts code points in the line, too", async () => {
    const answer = await completeLine([], "🐍🐍.x", async (_, cursor) => ({ matches: ["xy"], start: cursor - 1 }));
    expect(answer).toEqual([["xy"], "x"]);
  });

  it("does not change what stands in a line above", async () => {
    expect(await completeLine(["a."], "b", async () => ({ matches: ["zz"], start: 2 }))).toEqual([[], "b"]);
  });

  it("indents where there is nothing to complete", async () => {
    const never = () => Promise.reject(new Error("asked"));
    expect(await completeLine(["def f():"], "", never)).toEqual([["    "], ""]);
    expect(await completeLine(["def f():"], "  ", never)).toEqual([["    "], ""]);
  });
});
