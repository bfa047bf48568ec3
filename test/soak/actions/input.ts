import { same } from "../mismatch.js";
import type { Action, Visit } from "../visit.js";

/** Cells that read what their client sends. */
export const INPUT: readonly Action[] = [
  {
    name: "input()",
    weight: 5,
    run: async (visit) => {
      const answers = Array.from({ length: visit.random.int(1, 4) }, () => visit.random.text(visit.random.int(0, 40)));
      const prompts = answers.map((_, i) => `line ${i}? `);
      const code = `for i in range(${answers.length}): print(input(f'line {i}? ')[::-1])`;
      const expected = answers.map((answer) => `${[...answer].reverse().join("")}\n`).join("");
      same("prompts", (await visit.prints(code, expected, { answers })).prompts, prompts);
    },
  },
  {
    name: "end of input",
    weight: 3,
    run: async (visit) => {
      const { outcome } = await visit.run("input('? ')", visit.random.chance(0.5) ? { answers: [] } : {});
      same("input() at the end", [outcome.status, outcome.error?.name], ["error", "EOFError"]);
    },
  },
  { name: "all of stdin", weight: 3, run: readsAll },
  {
    name: "a password",
    weight: 1,
    run: async (visit) => {
      const secret = visit.random.token();
      await visit.prints("import getpass\nprint(len(getpass.getpass()))", `${secret.length}\n`, { answers: [secret] });
    },
  },
];

/** Written in pieces, some of them before the cell runs. */
async function readsAll(visit: Visit): Promise<void> {
  const pieces = Array.from({ length: visit.random.int(0, 5) }, () => visit.random.text(visit.random.int(1, 2000)));
  const cell = visit.start("import sys\ntext = sys.stdin.read()\nprint(len(text), text[-20:])", { stdin: "open" });
  for (const piece of pieces) {
    cell.write(piece);
    if (visit.random.chance(0.3)) await visit.pause(20);
  }
  cell.closeInput();
  const outcome = await visit.finish(cell);
  same("status", outcome.status, "ok");
  const characters = [...pieces.join("")];
  same("what it read", cell.output.text("stdout"), `${characters.length} ${characters.slice(-20).join("")}\n`);
}
