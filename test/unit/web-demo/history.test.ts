import { describe, expect, it } from "vitest";
import { History } from "../../../web-demo/src/history.js";

describe("the history", () => {
  it("goes back through what was run, and forth to what was being written", () => {
    const history = new History();
    history.add("one");
    history.add("two");
    expect(history.older("draft")).toBe("two");
    expect(history.older("two")).toBe("one");
    expect(history.older("one")).toBeUndefined();
    expect(history.newer()).toBe("two");
    expect(history.newer()).toBe("draft");
    expect(history.newer()).toBeUndefined();
  });

  it("has a cell once that was run twice in a row, and begins at the newest again", () => {
    const history = new History();
    history.add("one");
    history.older("");
    history.add("one");
    expect([history.older(""), history.older("one")]).toEqual(["one", undefined]);
  });

  it("forgets the oldest", () => {
    const history = new History();
    for (let cell = 0; cell < 150; cell++) history.add(String(cell));
    let oldest: string | undefined;
    for (let shown: string | undefined = ""; shown !== undefined; shown = history.older("")) oldest = shown;
    expect(oldest).toBe("50");
  });
});
