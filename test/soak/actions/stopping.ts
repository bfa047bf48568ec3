import { holds, same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";
import { survey } from "./state.js";

/** Starts a child that dies of its own SIGINT without a word, whenever it comes. */
const FORKS = `
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
if (pid := os.fork()) == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    while True: signal.pause()
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
print('go')
os.waitpid(pid, 0)
while True: pass`;

/** What can be interrupted. Each says `go` once it is at it. */
const ENDLESS: readonly (readonly [what: string, code: string])[] = [
  ["a loop", "print('go')\nwhile True: pass"],
  ["a sleep", "import time\nprint('go')\ntime.sleep(1000)"],
  ["a lock", "import threading\nprint('go')\nthreading.Event().wait()"],
  ["numpy", "import numpy as np\na = np.ones((64, 64))\nprint('go')\nwhile True: a @ a"],
  ["a program", "import subprocess\nprint('go')\nsubprocess.run(['sleep', '1000'])\nwhile True: pass"],
  ["a forked child", FORKS],
];

/** Interrupts and timeouts: of what runs, of what is about to, of what has ended; the state stays. */
export const STOPPING: readonly Action[] = [
  { name: "interrupt", weight: 8, run: interrupts },
  { name: "early interrupt", weight: 5, run: interruptsEarly },
  { name: "late interrupt", weight: 8, run: interruptsLate },
  { name: "interrupt of a change", weight: 4, run: interruptsChange },
  { name: "interrupt of input()", weight: 3, run: interruptsInput },
  { name: "timeout", weight: 4, run: timesOut },
  { name: "a timeout close to the end", weight: 3, run: timesOutLate },
];

async function interrupts(visit: Visit): Promise<void> {
  const [what, code] = visit.random.pick(ENDLESS);
  const cell = visit.start(code);
  await visit.within("first output", cell.output.begun());
  await visit.pause(100);
  visit.note(`interrupt ${what}`);
  cell.interrupt();
  const outcome = await visit.finish(cell);
  same(`interrupt of ${what}`, outcome.status, "interrupted");
  // print() writes what it prints and the end of the line one after the other, and may be interrupted between them.
  holds(["go", "go\n"].includes(cell.output.text("stdout")), "output of a cell that was interrupted");
  await survey(visit);
}

/** On the heels of its cell, which the guest may not have fetched or begun. */
async function interruptsEarly(visit: Visit): Promise<void> {
  const cell = visit.start(visit.random.pick(ENDLESS)[1]);
  if (visit.random.chance(0.7)) await visit.pause(10);
  cell.interrupt();
  const outcome = await visit.finish(cell);
  same("early interrupt", outcome.status, "interrupted");
  await visit.prints("print('next')", "next\n");
}

/** Around the end of its cell: it stops that one or nothing. */
async function interruptsLate(visit: Visit): Promise<void> {
  const n = visit.random.int(1, 50);
  const cell = visit.start(`for i in range(${n}): print(i)`);
  await visit.pause(10);
  cell.interrupt();
  const outcome = await visit.finish(cell);
  const all = Array.from({ length: n }, (_, i) => `${i}\n`).join("");
  const out = cell.output.text("stdout");
  if (outcome.status === "ok") same("output of a cell that was not hit", out, all);
  else {
    same("late interrupt", outcome.status, "interrupted");
    holds(outcome.truncated || all.startsWith(out), `output of an interrupted cell: ${JSON.stringify(out)}`);
  }
  await visit.prints("print('next')", "next\n");
}

/** A statement is done or not; the next cell tells. */
async function interruptsChange(visit: Visit): Promise<void> {
  const { random, model } = visit;
  const [name] = random.pick([...model.variables.keys(), undefined].map((known) => [known] as const));
  if (name === undefined) return;
  const before = model.variables.get(name) ?? 0;
  const cell = visit.start(`for i in range(1000): ${name} += 1`);
  await visit.pause(10);
  cell.interrupt();
  const outcome = await visit.finish(cell);
  const { outcome: found } = await visit.run(name);
  const now = Number(found.result);
  const whole = outcome.status === "ok";
  holds(whole ? now === before + 1000 : now >= before && now <= before + 1000, `${name}: ${before}, then ${now}`);
  model.variables.set(name, now);
}

async function interruptsInput(visit: Visit): Promise<void> {
  const cell = visit.start("print('go')\ninput('never answered ')", { stdin: "open" });
  await visit.within("first output", cell.output.begun());
  await visit.pause(50);
  cell.interrupt();
  same("interrupt of input()", (await visit.finish(cell)).status, "interrupted");
  await visit.prints("print('next')", "next\n");
}

/** On a slow machine the runtime may not heed the interrupt in time, and is replaced: the server says so. */
async function timesOut(visit: Visit): Promise<void> {
  const [what, code] = visit.random.pick(ENDLESS);
  const timeoutMs = visit.random.int(1, 500);
  const cell = visit.start(code, { timeoutMs });
  const outcome = await visit.finish(cell, true);
  same(`timeout of ${what}`, outcome.status, "timeout");
  holds("go\n".startsWith(cell.output.text("stdout")), "output of a cell that timed out");
  await survey(visit);
}

async function timesOutLate(visit: Visit): Promise<void> {
  const cell = visit.start("print('there')", { timeoutMs: visit.random.int(1, 20) });
  const outcome = await visit.finish(cell, true);
  if (outcome.status === "ok") same("output of a cell in time", cell.output.text("stdout"), "there\n");
  else same("timeout", outcome.status, "timeout");
  await survey(visit);
}
