import { holds, same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";

const CHECKS = [
  ["x = 1", "complete"],
  ["for i in range(3):", "incomplete"],
  ["def f():\n    return (1 +", "incomplete"],
  ["1 +* 2", "invalid"],
] as const;

/** The server gives a question up after this time, and its answer says nothing: milliseconds. */
const GIVEN_UP_MS = 5000;

/** An answer, and whether it was given up: slowness is no mismatch. */
async function timed<T>(answer: Promise<T>): Promise<{ readonly answer: T; readonly wasGivenUp: boolean }> {
  const start = performance.now();
  return { answer: await answer, wasGivenUp: performance.now() - start >= GIVEN_UP_MS };
}

/** Questions about source, between cells. */
export const QUESTIONS: readonly Action[] = [
  {
    name: "complete",
    weight: 2,
    run: async (visit) => {
      const { answer, wasGivenUp } = await timed(visit.within("completed", visit.peer.complete("print(v_", 8)));
      const { matches, start, end } = answer;
      if (wasGivenUp && matches.length === 0) return;
      const names = [...visit.model.variables.keys()].sort();
      same(
        "completions",
        [[...matches].sort(), start, end],
        [names, names.length > 0 ? 6 : start, names.length > 0 ? 8 : end],
      );
    },
  },
  {
    name: "check",
    weight: 2,
    run: async (visit: Visit) => {
      const [code, expected] = visit.random.pick(CHECKS);
      const { answer, wasGivenUp } = await timed(visit.within("checked", visit.peer.check(code)));
      const { status } = answer;
      // What the server says when the guest does not.
      const unasked = wasGivenUp && status === "complete";
      holds(status === expected || unasked, `${JSON.stringify(code)} is ${status}, not ${expected}`);
    },
  },
];
