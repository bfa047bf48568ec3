import { same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";

/** How a session ends; each of these is a user's last act in it. */
export const LEAVING: readonly Action[] = [
  { name: "leave", weight: 6, run: (visit) => visit.peer.close() },
  { name: "cut", weight: 4, run: (visit) => visit.peer.cut() },
  { name: "cut within a cell", weight: 3, run: (visit) => goneDuring(visit, "print('go')\nwhile True: pass") },
  { name: "cut within output", weight: 3, run: (visit) => goneDuring(visit, "while True: print('x' * 500)") },
  {
    name: "cut within a sleep",
    weight: 2,
    run: (visit) => goneDuring(visit, "import time\nprint('go')\ntime.sleep(1000)"),
  },
  {
    name: "cut with a queue",
    weight: 2,
    run: async (visit) => {
      for (let i = visit.random.int(2, 20); i > 0; i--) visit.start("sum(range(100_000))");
      await visit.pause(50);
      await leave(visit);
    },
  },
  {
    name: "cut while a restart is due",
    weight: 1,
    run: async (visit) => {
      const cell = visit.start(
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('go')\nwhile True: pass",
      );
      await visit.within("first output", cell.output.begun());
      cell.interrupt("kill");
      await visit.sleep(visit.random.next() * 2.5 * visit.peer.interruptGraceMs);
      await leave(visit);
    },
  },
  {
    name: "the runtime exits",
    weight: 1,
    run: async (visit) => {
      const cell = visit.start("import os\nprint('last words')\nos._exit(3)");
      const outcome = await visit.finish(cell, true);
      same("a runtime that exits", [outcome.status, cell.output.text("stdout")], ["killed", "last words\n"]);
      same("the session's end", await visit.within("closed", visit.peer.ended), "agent_exited");
    },
  },
];

async function goneDuring(visit: Visit, code: string): Promise<void> {
  const cell = visit.start(code);
  await visit.within("first output", cell.output.begun());
  await visit.pause(50);
  await leave(visit);
}

/** With good manners or without. */
function leave(visit: Visit): Promise<void> {
  return visit.random.chance(0.5) ? visit.peer.cut() : visit.peer.close();
}
