import { describe, expect, it } from "vitest";
import { Stopwatch } from "../../../../server/src/session/timings.js";

/** Let at least this much time pass, by the clock that is measured with. */
function pass(microseconds: bigint): void {
  const until = process.hrtime.bigint() + microseconds * 1000n;
  while (process.hrtime.bigint() < until);
}

describe("an execution's timings", () => {
  it("are its wait and its run, whole microseconds", () => {
    const stopwatch = new Stopwatch();
    pass(2000n);
    stopwatch.handed();
    pass(1000n);
    const { queuedUs, execUs } = stopwatch.read();
    expect(queuedUs).toBeGreaterThanOrEqual(2000);
    expect(execUs).toBeGreaterThanOrEqual(1000);
    expect([queuedUs, execUs].every(Number.isInteger)).toBe(true);
    pass(1000n);
    expect(stopwatch.read().queuedUs).toBe(queuedUs);
    expect(stopwatch.read().execUs).toBeGreaterThanOrEqual(execUs + 1000);
  });

  it("are all wait for one that was never handed over", () => {
    const stopwatch = new Stopwatch();
    pass(500n);
    expect(stopwatch.read()).toMatchObject({ execUs: 0 });
    expect(stopwatch.read().queuedUs).toBeGreaterThanOrEqual(500);
  });
});
