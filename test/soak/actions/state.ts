import { holds, same } from "../mismatch.js";
import { FILES, SURVEY, step } from "../model.js";
import type { Action, Visit } from "../visit.js";

/** Variables a session has at most. */
const MAX_VARIABLES = 12;
const MAX_FILES = 4;

/** A thread that counts from cell to cell. */
const TICKER = `
import threading, time
ticks = [0]
def _tick():
    while True:
        ticks[0] += 1
        time.sleep(0.02)
threading.Thread(target=_tick, daemon=True).start()`;
/** Ticks in a pause that show that it ran: more than the cells before and after give it. */
const TICKS_IN_A_PAUSE = 5;

/** Everything the model knows of is there, and nothing else. */
export async function survey(visit: Visit): Promise<void> {
  await visit.prints(SURVEY, visit.model.survey());
}

/** What cells leave behind for later ones. */
export const STATE: readonly Action[] = [
  { name: "set a variable", weight: 6, run: set },
  { name: "change a variable", weight: 10, run: change },
  { name: "survey", weight: 8, run: survey },
  {
    name: "write a file",
    weight: 3,
    run: async (visit) => {
      const path = `${FILES}${visit.random.int(1, MAX_FILES)}`;
      const text = visit.random.text(visit.random.int(0, 50));
      await visit.prints(`with open('${path}', 'w') as file: file.write(${JSON.stringify(text)})`, "");
      visit.model.files.set(path, text);
    },
  },
  { name: "a thread that counts", weight: 2, run: counts },
  { name: "idle", weight: 3, run: (visit) => visit.sleep(visit.random.next() * 3000) },
];

async function set(visit: Visit): Promise<void> {
  const { random, model } = visit;
  const name = `v_${random.int(1, MAX_VARIABLES)}`;
  const value = random.int(0, 1_000_000);
  await visit.prints(`owner = '${model.owner}'\n${name} = ${value}`, "");
  model.variables.set(name, value);
}

async function change(visit: Visit): Promise<void> {
  const { random, model } = visit;
  if (model.variables.size === 0) return set(visit);
  const [name, value] = random.pick([...model.variables]);
  const [statement, next] = step(name, value, random.int(2, 99_999), random.int(0, 999));
  await visit.prints(`${statement}\nprint(owner, ${name})`, `${model.owner} ${next}\n`);
  model.variables.set(name, next);
}

/** The thread runs on while nobody asks anything of the session. */
async function counts(visit: Visit): Promise<void> {
  const { model, pace } = visit;
  if (model.ticks === undefined) {
    await visit.prints(TICKER, "");
    model.ticks = 0;
  }
  const before = await read(visit);
  const start = performance.now();
  for (let pauseMs = 500 * pace.slowness; ; pauseMs *= 2) {
    await visit.sleep(pauseMs);
    const after = await read(visit);
    if (after - before >= TICKS_IN_A_PAUSE) return;
    holds(performance.now() - start < pace.patienceMs, `a thread ticked ${after - before} times in ${pauseMs} ms`);
  }
}

async function read(visit: Visit): Promise<number> {
  const { cell, outcome } = await visit.run("print(ticks[0])");
  same("status", outcome.status, "ok");
  const ticks = Number(cell.output.text("stdout"));
  const { ticks: last = 0 } = visit.model;
  holds(ticks >= last, `a thread's count went from ${last} to ${ticks}`);
  visit.model.ticks = ticks;
  return ticks;
}
