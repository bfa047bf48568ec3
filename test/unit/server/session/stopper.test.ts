import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Stopper } from "../../../../server/src/session/stopper.js";

const GRACE_MS = 2000;
let start: number;
/** What was done, and when, milliseconds. */
let done: [what: string, at: number][];
/** Whether the guest runs the job. */
let runs: boolean;
let stopper: Stopper;

beforeEach(() => {
  vi.useFakeTimers();
  start = performance.now();
  done = [];
  runs = true;
  const note = (what: string): boolean => {
    done.push([what, performance.now() - start]);
    return runs;
  };
  const measures = {
    interrupt: (again: boolean) => note(again ? "again" : "interrupt"),
    killChildren: () => note("kill"),
    replace: () => {
      note("replace");
      stopper.release();
    },
  };
  stopper = new Stopper(measures, GRACE_MS, (work) => work());
});

afterEach(() => {
  vi.useRealTimers();
});

const what = (...kinds: string[]) => done.filter(([kind]) => kinds.includes(kind));

describe("a stopper", () => {
  it("does nothing to a job that ends in time", () => {
    stopper.watch(500);
    vi.advanceTimersByTime(499);
    stopper.release();
    vi.advanceTimersByTime(100_000);
    expect(done).toEqual([]);
    expect([stopper.applied, stopper.timedOut]).toEqual([undefined, false]);
  });

  it("goes from interrupt to kill to replacement once the time is over", () => {
    stopper.watch(500);
    vi.advanceTimersByTime(500);
    expect([stopper.applied, stopper.timedOut]).toEqual(["interrupt", true]);
    vi.advanceTimersByTime(GRACE_MS);
    expect(stopper.applied).toBe("kill");
    vi.advanceTimersByTime(100_000);
    expect(what("interrupt", "kill", "replace")).toEqual([
      ["interrupt", 500],
      ["kill", 2500],
      ["interrupt", 3500],
      ["replace", 4500],
    ]);
  });

  it("only interrupts when it is not asked for more, and repeats what may not have been seen", () => {
    stopper.watch(1_000_000);
    stopper.interrupt(false);
    vi.advanceTimersByTime(10_000);
    expect(done).toEqual([
      ["interrupt", 0],
      ["again", 250],
      ["again", 1000],
      ["again", 3000],
      ["again", 6000],
      ["again", 9000],
    ]);
    expect([stopper.applied, stopper.timedOut]).toEqual(["interrupt", false]);
  });

  it("tries until the guest has fetched the job, and counts that as one interrupt", () => {
    runs = false;
    stopper.watch(1_000_000);
    stopper.interrupt(false);
    vi.advanceTimersByTime(21);
    expect(stopper.applied).toBeUndefined();
    runs = true;
    vi.advanceTimersByTime(9);
    expect(stopper.applied).toBe("interrupt");
    expect(what("again")).toEqual([]);
    expect(what("interrupt").map(([, at]) => at)).toEqual([0, 5, 10, 15, 20, 25]);
  });

  it("replaces a guest that never fetches the job", () => {
    runs = false;
    stopper.watch(500);
    vi.advanceTimersByTime(100_000);
    expect(what("kill", "replace")).toEqual([
      ["kill", 2500],
      ["replace", 4500],
    ]);
    expect(stopper.applied).toBeUndefined();
  });

  it("sends a new interrupt each time it is asked, and counts the grace from the first that may go further", () => {
    stopper.watch(1_000_000);
    stopper.interrupt(false);
    vi.advanceTimersByTime(100);
    stopper.interrupt(true);
    vi.advanceTimersByTime(1900);
    stopper.interrupt(true);
    vi.advanceTimersByTime(10_000);
    expect(what("interrupt", "kill", "replace")).toEqual([
      ["interrupt", 0],
      ["interrupt", 100],
      ["interrupt", 2000],
      ["kill", 2100],
      ["interrupt", 3100],
      ["replace", 4100],
    ]);
  });

  it("goes further by the timeout of a job that was only interrupted", () => {
    stopper.watch(500);
    stopper.interrupt(false);
    vi.advanceTimersByTime(10_000);
    expect(what("kill", "replace").map(([, at]) => at)).toEqual([2500, 4500]);
  });

  it("tells what it did to a job whose VM has ended, and begins anew with the next", () => {
    stopper.watch(500);
    vi.advanceTimersByTime(600);
    stopper.rest();
    vi.advanceTimersByTime(100_000);
    expect([stopper.applied, stopper.timedOut]).toEqual(["interrupt", true]);
    expect(what("kill")).toEqual([]);
    stopper.watch(500);
    expect([stopper.applied, stopper.timedOut]).toEqual([undefined, false]);
  });

  it("hands what a measure throws to its guard", () => {
    const caught: unknown[] = [];
    const broken = () => {
      throw new TypeError("broken");
    };
    const guarded = new Stopper({ interrupt: broken, killChildren: broken, replace: broken }, 1, (work) => {
      try {
        work();
      } catch (error) {
        caught.push(error);
      }
    });
    guarded.watch(5);
    vi.advanceTimersByTime(100);
    expect(caught).toEqual([new TypeError("broken")]);
  });
});
