import { holds, same } from "../mismatch.js";
import type { Action } from "../visit.js";
import { survey } from "./state.js";

/** Nothing but its VM's end stops it. */
const DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('go')\nwhile True: pass";
/** Hears interrupts and waits on, until its child is gone: none comes before it is ready for that. */
const WAITS_FOR_CHILD = `
import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True: time.sleep(1000)
print('go')
while True:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        os.waitpid(pid, 0)
        break
    except KeyboardInterrupt:
        pass`;
/** Runs into its limit. Most of it is only reserved: where a page fault takes milliseconds, touching it takes minutes. */
const EATS_MEMORY = `
import numpy, resource
with open("/proc/self/status") as status:
    held = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData:"))
room = resource.getrlimit(resource.RLIMIT_DATA)[0] - held
eaten = [numpy.empty(max(0, room - (8 << 20)), numpy.uint8)]
while True: eaten.append(bytearray(b"x") * (1 << 20))`;

/** Cells that an interrupt alone does not stop, and what is left of the session then. */
export const RESTARTS: readonly Action[] = [
  {
    name: "restart of a deaf cell",
    weight: 1,
    run: async (visit) => {
      const cell = visit.start(DEAF);
      await visit.within("first output", cell.output.begun());
      const queued = visit.start("print('never')");
      cell.interrupt("kill");
      const outcome = await visit.finish(cell, true);
      same("deaf cell", [outcome.status, outcome.stateKept, outcome.stoppedBy], ["interrupted", false, "restart"]);
      const behind = await visit.within("done", queued.outcome);
      same("the one behind it", [behind.status, behind.exitCode, behind.stateKept], ["killed", 137, false]);
      same("its output", queued.output.bytes, 0);
      await survey(visit);
    },
  },
  {
    name: "timeout of a deaf cell",
    weight: 1,
    run: async (visit) => {
      const cell = visit.start(DEAF.replace("print('go')\n", ""), { timeoutMs: 200 * visit.pace.slowness });
      const outcome = await visit.finish(cell, true);
      same("deaf cell", outcome.status, "timeout");
      await survey(visit);
    },
  },
  {
    name: "kill of a child",
    weight: 1,
    run: async (visit) => {
      const cell = visit.start(WAITS_FOR_CHILD);
      await visit.within("first output", cell.output.begun());
      cell.interrupt("kill");
      const outcome = await visit.finish(cell, true);
      holds(["kill", "restart"].includes(outcome.stoppedBy ?? ""), `stopped by ${outcome.stoppedBy}`);
      await survey(visit);
    },
  },
  {
    name: "out of memory",
    weight: 1,
    run: async (visit) => {
      const cell = visit.start(EATS_MEMORY);
      const outcome = await visit.finish(cell, true);
      if (outcome.status === "killed") same("out of memory", outcome.stoppedBy, "outOfMemory");
      else {
        same("out of memory", [outcome.status, outcome.error?.name], ["error", "MemoryError"]);
        await visit.prints("del eaten", "");
      }
      await survey(visit);
    },
  },
];
