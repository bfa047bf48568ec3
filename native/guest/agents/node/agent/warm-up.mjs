/** Runs cells in the template with the link's output thrown away, so that a first cell finds everything warm. */
import { getHeapSpaceStatistics } from "node:v8";
import * as cells from "./cell.mjs";
import { onUncaught } from "./exit.mjs";
import { installBuiltins } from "./globals.mjs";
import { EXECUTE_CHECK, EXECUTE_COMPLETE, EXECUTE_INSPECT, link } from "./link.mjs";
import { forgetPositions } from "./positions.mjs";
import { runQuestion } from "./questions.mjs";
import { endInput } from "./stdin.mjs";

/**
 * They declare names that the global scope has anyway, those of built-in modules: what a script declares there can
 * never be taken away again.
 */
const CELLS = [
  "console.log(1 + 1)",
  "console.log([1, 2, 3].map(x => x * x))",
  "const dns = [1, 2, 3].filter(x => x > 1).reduce((a, b) => a + b, 0)\ndns",
  "let net = JSON.stringify({ a: 1, b: [true, null] }); JSON.parse(net)",
  "class http { constructor() { this.x = 1 } }\nnew http()",
  "console.error('e'); process.stdout.write('x\\n')",
  "const tls = function (n) { throw new TypeError('no ' + n) }\ntls(1)",
  "1 +",
  "const fs = require('fs'), path = require('path'), os = require('os'), util = require('util')\nfs.existsSync('/tmp')",
  "const zlib = await Promise.resolve(42)\nzlib",
  "await import('node:crypto')\nMath.random() + Date.now()",
  "const vm = async () => { throw new Error('x') }\nawait vm()",
  "for (const x of new Map([[1, { a: 2 }]])) console.log(x)",
  "new Map([[1, { a: 2 }]])",
  "setTimeout(() => console.log(1), 1); await new Promise(resolve => setImmediate(resolve))",
  "process.exit(0)",
];

/** The same for a first line at a prompt: the flag and the payload of each question. */
const QUESTIONS = [
  [EXECUTE_CHECK, "function f() {"],
  [EXECUTE_COMPLETE, "\x04\0\0\0cons"],
  [EXECUTE_COMPLETE, "\x0a\0\0\0process.st"],
  [EXECUTE_INSPECT, "\x0b\0\0\0console.log"],
];

/** V8 may count both its halves as committed or one; and the first objects may be left where they are. */
const YOUNG_ROUNDS = 4;
/** Far below what V8 makes an object of its own for. */
const GARBAGE_WORDS = 1000;

/**
 * Writes to every page of V8's young generation. A fork that comes to one that nobody has touched takes a fault in its
 * kernel; of one with content the host makes a copy.
 */
export function touchYoungGeneration() {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
  const pieces = (YOUNG_ROUNDS * young.space_size) / (8 * GARBAGE_WORDS);
  for (let i = 0; i < pieces; i++) new Array(GARBAGE_WORDS).fill(i);
}

export async function warmUp() {
  const { send, write } = link;
  link.send = () => {};
  link.write = () => {};
  try {
    for (const source of [...CELLS, ...CELLS, ...CELLS]) {
      cells.run(0, source, { onEnd: endInput, onUncaught });
      // Those that import() need the loop.
      while (cells.isRunning()) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const [flag, payload] of QUESTIONS) runQuestion(0, flag, Buffer.from(payload, "latin1"));
  } finally {
    link.send = send;
    link.write = write;
  }
  installBuiltins();
  cells.forget();
  forgetPositions();
}
