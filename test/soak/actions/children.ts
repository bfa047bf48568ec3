import { holds, same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";

/** Processes of the guest beside the runtime. */
export const CHILDREN: readonly Action[] = [
  {
    name: "subprocess",
    weight: 3,
    run: async (visit) => {
      const token = visit.random.token();
      const code = `import subprocess\nprint(subprocess.run(['echo', '${token}'], capture_output=True, text=True).stdout, end='')`;
      await visit.prints(code, `${token}\n`);
    },
  },
  {
    name: "output of a child",
    weight: 3,
    run: async (visit) => {
      const token = visit.random.token();
      await visit.prints(`import os\nassert os.system('echo ${token}') == 0`, `${token}\n`);
    },
  },
  { name: "os.fork", weight: 2, run: forks },
];

/** Both print; which of them first is theirs to decide. */
async function forks(visit: Visit): Promise<void> {
  const token = visit.random.token();
  const code = `import os\npid = os.fork()\nif pid == 0:\n    print('child ${token}')\n    os._exit(7)\nprint('parent', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
  const { cell, outcome } = await visit.run(code);
  const lines = cell.output.text("stdout").split("\n").sort();
  same("status", outcome.status, "ok");
  holds(
    JSON.stringify(lines) === JSON.stringify(["", `child ${token}`, "parent 7"]),
    `output of a fork: ${JSON.stringify(lines)}`,
  );
}
