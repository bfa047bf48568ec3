import { same } from "../mismatch.js";
import { sha256 } from "../output-record.js";
import type { Action, Visit } from "../visit.js";

/** Python's literal for a text: JSON's, as long as it has no lone surrogates. */
const literal = JSON.stringify;

/** Cells with one right answer. */
export const CELLS: readonly Action[] = [
  {
    name: "print",
    weight: 10,
    run: async (visit) => {
      const text = visit.random.text(visit.random.int(0, 200));
      await visit.prints(`print(${literal(text)})`, `${text}\n`);
    },
  },
  {
    name: "result",
    weight: 6,
    run: async (visit) => {
      const [a, b] = [visit.random.int(0, 1e9), visit.random.int(0, 1e9)];
      const { result } = await visit.prints(`${a} * ${b}`, "");
      same("result", result, String(BigInt(a) * BigInt(b)));
    },
  },
  {
    name: "numpy",
    weight: 2,
    run: async (visit) => {
      const n = visit.random.int(1, 5000);
      await visit.prints(`import numpy as np\nprint(int(np.arange(${n}).sum()))`, `${(n * (n - 1)) / 2}\n`);
    },
  },
  { name: "error", weight: 5, run: fails },
  {
    name: "exit code",
    weight: 4,
    run: async (visit) => {
      const code = visit.random.int(0, 255);
      const { cell, outcome } = await visit.run(`import sys\nprint('bye')\nsys.exit(${code})`);
      same("sys.exit", [outcome.status, outcome.exitCode], [code === 0 ? "ok" : "error", code]);
      same("stdout", cell.output.text("stdout"), "bye\n");
    },
  },
  { name: "both streams", weight: 5, run: alternates },
  { name: "much output", weight: 3, run: (visit) => printsMuch(visit, "eager") },
  { name: "much output, slow reader", weight: 2, run: (visit) => printsMuch(visit, "slow") },
  {
    name: "trickle",
    weight: 3,
    run: async (visit) => {
      const n = visit.random.int(2, 10);
      const pause = visit.random.next() * 0.2;
      const lines = Array.from({ length: n }, (_, i) => `${i}\n`).join("");
      await visit.prints(
        `import time\nfor i in range(${n}):\n    print(i)\n    time.sleep(${pause.toFixed(3)})`,
        lines,
      );
    },
  },
  {
    name: "environment",
    weight: 2,
    run: async (visit) => {
      const value = visit.random.text(20);
      const code = "import os\nprint(os.environ.get('SOAK'))";
      await visit.prints(code, `${value}\n`, { env: { SOAK: value } });
      await visit.prints(code, "None\n");
    },
  },
  {
    name: "randomness",
    weight: 2,
    run: async (visit) => {
      const code =
        "import os, random, uuid, secrets\nimport numpy as np\n" +
        "print(os.urandom(8).hex(), random.getrandbits(60), uuid.uuid4(), secrets.token_hex(8), np.random.randint(2**60))";
      const { cell } = await visit.run(code);
      for (const value of cell.output.text("stdout").trim().split(" ")) visit.tally.unique(value);
    },
  },
  { name: "ping", weight: 3, run: (visit) => visit.within("pong", visit.peer.ping()) },
];

async function fails(visit: Visit): Promise<void> {
  const token = visit.random.token();
  const [code, name, message] = visit.random.pick([
    [`print('before')\nraise ValueError('${token}')`, "ValueError", token],
    [`print('before')\n{}['${token}']`, "KeyError", `'${token}'`],
    [`print('before')\nassert False, '${token}'`, "AssertionError", token],
  ] as const);
  const { cell, outcome } = await visit.run(code);
  same("failed cell", [outcome.status, outcome.exitCode, outcome.error?.name], ["error", 1, name]);
  same("its message", outcome.error?.message, message);
  same("its output", cell.output.text("stdout"), "before\n");
}

/** Standard output and error arrive as they were written, in turns. */
async function alternates(visit: Visit): Promise<void> {
  const turns = Array.from({ length: visit.random.int(1, 40) }, () => visit.random.pick(["o", "e"]));
  const code = `import sys\nfor i, stream in enumerate('${turns.join("")}'):\n    print(i, file=sys.stdout if stream == 'o' else sys.stderr)`;
  const { cell, outcome } = await visit.run(code);
  same("status", outcome.status, "ok");
  const expected: string[] = [];
  for (const [i, turn] of turns.entries()) {
    if (expected.at(-1)?.startsWith(turn) === true) expected.push(`${expected.pop()}${i}\n`);
    else expected.push(`${turn}${i}\n`);
  }
  same("both streams", cell.output.inOrder(), expected);
}

async function printsMuch(visit: Visit, reader: "eager" | "slow"): Promise<void> {
  const kib = visit.random.int(64, Math.max(256, Math.round(4096 / visit.pace.slowness)));
  const block = `${visit.random.text(400)}\n`;
  const blocks = Math.ceil((kib * 1024) / Buffer.byteLength(block));
  const code = `import sys\nblock = ${literal(block)}\nfor i in range(${blocks}): sys.stdout.write(f'{i} {block}')`;
  const cell = visit.start(code, { reader });
  const outcome = await visit.finish(cell);
  same("status", [outcome.status, outcome.truncated], ["ok", false]);
  const all = Array.from({ length: blocks }, (_, i) => `${i} ${block}`).join("");
  same("bytes", cell.output.bytes, Buffer.byteLength(all));
  same("SHA-256 of much output", cell.output.sha256("stdout"), sha256(all));
}
