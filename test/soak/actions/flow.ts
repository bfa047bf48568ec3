import { holds, same } from "../mismatch.js";
import { sha256 } from "../output-record.js";
import type { Action, Visit } from "../visit.js";
import { survey } from "./state.js";

const LINE = "0123456789".repeat(10);
const FLOOD = `while True: print('${LINE}')`;

/** Readers that do not read. */
export const FLOW: readonly Action[] = [
  {
    name: "flood, stalled, interrupted",
    weight: 4,
    run: async (visit) => {
      const cell = visit.start(FLOOD, { reader: "stalled" });
      await visit.within("first output", cell.output.begun());
      await visit.pause(300);
      cell.interrupt();
      same("interrupt of a flood", (await visit.finish(cell)).status, "interrupted");
      cell.readOn();
      onlyLines(cell.output.text("stdout"));
      await survey(visit);
    },
  },
  {
    name: "flood, interrupted",
    weight: 3,
    run: async (visit) => {
      const cell = visit.start(FLOOD);
      await visit.within("first output", cell.output.begun());
      await visit.pause(50);
      cell.interrupt();
      same("interrupt of a flood", (await visit.finish(cell)).status, "interrupted");
      onlyLines(cell.output.text("stdout"));
      await survey(visit);
    },
  },
  {
    name: "flood, stalled, timed out",
    weight: 2,
    run: async (visit) => {
      const cell = visit.start(FLOOD, { reader: "stalled", timeoutMs: visit.random.int(50, 500) });
      same("timeout of a flood", (await visit.finish(cell, true)).status, "timeout");
      cell.readOn();
      onlyLines(cell.output.text("stdout"));
      await survey(visit);
    },
  },
  { name: "stalled for a while", weight: 3, run: stallsForAWhile },
];

/** Nothing is lost by not reading for a time. */
async function stallsForAWhile(visit: Visit): Promise<void> {
  const lines = visit.random.int(100, Math.max(4000, Math.round(20_000 / visit.pace.slowness)));
  const cell = visit.start(`for i in range(${lines}): print(i, '${LINE}')`, { reader: "stalled" });
  await visit.within("first output", cell.output.begun());
  await visit.pause(500);
  cell.readOn();
  const outcome = await visit.finish(cell);
  same("status", [outcome.status, outcome.truncated], ["ok", false]);
  const all = Array.from({ length: lines }, (_, i) => `${i} ${LINE}\n`).join("");
  same("bytes", cell.output.bytes, all.length);
  same("SHA-256 of output that had to wait", cell.output.sha256("stdout"), sha256(all));
}

/** What came of a flood before it was broken off, up to where output began to be thrown away. */
function onlyLines(text: string): void {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  // An interrupt may fall between a line and its end; the last lines may have lost some of their bytes.
  const wrong = whole.split("\n").findIndex((line) => line !== LINE);
  holds(wrong === -1 || wrong >= whole.split("\n").length - 3, `line ${wrong} of a flood is something else`);
}
