import { holds, same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";

const CHECKS = [
  ["x = 1", "complete"],
  ["for i in range(3):", "incomplete"],
  ["def f():\n    return (1 +", "incomplete"],
  ["1 +* 2", "invalid"],
] as const;

/** Questions about source, between cells. */
export const QUESTIONS: readonly Action[] = [
  {
    name: "complete",
    weight: 2,
    run: async (visit) => {
      const { matches, start, end } = await visit.within("completed", visit.peer.complete("print(v_", 8));
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
      const { status } = await visit.within("checked", visit.peer.check(code));
      holds(status === expected, `${JSON.stringify(code)} is ${status}, not ${expected}`);
    },
  },
];
