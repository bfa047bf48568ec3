import { describe, expect, it } from "vitest";
import { ExecutionIds } from "../../../../server/src/session/execution-ids.js";

describe("the engine's execution ids", () => {
  it("go round within 16 bits and are never 0", () => {
    const ids = new ExecutionIds();
    const first = Array.from({ length: 65_535 }, () => ids.next());
    expect(new Set(first).size).toBe(65_535);
    expect([Math.min(...first.slice(0, 1000)), first[0], first[65_534]]).toEqual([1, 1, 65_535]);
    expect([ids.next(), ids.next()]).toEqual([1, 2]);
  });
});
