import { holds, same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";
import { survey } from "./state.js";

/** Cells sent before the ones in front of them have ended. */
export const QUEUEING: readonly Action[] = [
  {
    name: "queue",
    weight: 5,
    run: async (visit) => {
      const token = visit.random.token();
      const codes = Array.from({ length: visit.random.int(2, 10) }, (_, i) => [i, `print('${token}', ${i})`] as const);
      const cells = codes.map(([i, code]) => [i, visit.start(code)] as const);
      for (const [i, cell] of cells) {
        same("status in a queue", (await visit.finish(cell)).status, "ok");
        same("output in a queue", cell.output.text("stdout"), `${token} ${i}\n`);
      }
    },
  },
  { name: "interrupt of a queued cell", weight: 3, run: interruptsQueued },
  {
    name: "queue behind an endless cell",
    weight: 3,
    run: async (visit) => {
      const endless = visit.start("print('go')\nwhile True: pass");
      const next = visit.start("print('mine')");
      await visit.within("first output", endless.output.begun());
      await visit.pause(50);
      endless.interrupt();
      same("endless cell", (await visit.finish(endless)).status, "interrupted");
      same("the one behind it", (await visit.finish(next)).status, "ok");
      same("its output", next.output.text("stdout"), "mine\n");
    },
  },
];

/** One that is queued, or runs by then, or has ended: it or nothing is hit, and none of the others. */
async function interruptsQueued(visit: Visit): Promise<void> {
  const cells = Array.from({ length: visit.random.int(2, 6) }, (_, i) => visit.start(`print(${i})`));
  const chosen = visit.random.int(0, cells.length - 1);
  await visit.pause(10);
  cells[chosen]?.interrupt();
  // One that never ran is done at once, before those in front of it: so it is not counted in its order.
  const outcomes = await visit.within("all done", Promise.all(cells.map((cell) => cell.outcome)));
  for (const [i, outcome] of outcomes.entries()) {
    const out = cells[i]?.output.text("stdout") ?? "";
    if (i !== chosen || outcome.status === "ok") same(`cell ${i}`, [outcome.status, out], ["ok", `${i}\n`]);
    else {
      same("the chosen one", [outcome.status, outcome.exitCode, outcome.stateKept], ["interrupted", 130, true]);
      holds(`${i}\n`.startsWith(out), `output of an interrupted cell: ${out}`);
    }
  }
  const counts = outcomes.map(({ executionCount }) => executionCount);
  visit.model.executions = Math.max(visit.model.executions, ...counts);
  await survey(visit);
}
