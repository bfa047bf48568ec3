import { afterAll, beforeAll, expect, it } from "vitest";
import { isEmulated } from "../helpers/machine.js";
import { RawClient } from "../helpers/raw-client.js";
import { EMPTY_WITHIN_MS } from "../helpers/released.js";
import { ServerProcess } from "../helpers/server-process.js";

/** Forks; ZEROBOOT_TEST_FORKS says another number. */
const FORKS = Number(process.env.ZEROBOOT_TEST_FORKS ?? (isEmulated ? 10 : 24));
const AT_A_TIME = 4;

/**
 * Survivors that V8 has to move, over and over: its collectors do that on several threads at a time, which keep values
 * in vector registers. One that is lost at a context switch of the guest moves an object to nowhere.
 */
const CELL = `
require('node:v8').setFlagsFromString('--expose-gc');
const collect = require('node:vm').runInNewContext('gc');
let kept = [], sum = 0;
for (let round = 0; round < 8; round++) {
  const batch = Array.from({ length: 1500 }, (_, i) => ({ i, text: 'n' + i, pair: [i, i + round] }));
  kept = kept.concat(batch.filter((_, i) => i % 10 === 0));
  collect({ type: 'minor' });
  sum += batch.reduce((total, { pair }) => total + pair[1] - pair[0], 0);
}
collect();
const right = kept.every(({ i, text, pair }) => text === 'n' + i && pair[0] === i);
console.log(JSON.stringify({ sum, kept: kept.length, right }))`;
const ANSWER = { sum: 1500 * (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7), kept: 8 * 150, right: true };

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--template", "node"]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

it(`${FORKS} forks of node collect garbage on all threads, and none is wrong`, { timeout: 1_800_000 }, async () => {
  const start = performance.now();
  const answers: unknown[] = [];
  const worker = async () => {
    while (answers.length < FORKS) {
      const at = answers.push(undefined) - 1;
      using client = await RawClient.ready(server.url);
      const { stdout, stderr, done } = await client.run(CELL, { timeoutMs: 300_000 });
      answers[at] = done.status === "ok" && stderr === "" ? JSON.parse(stdout) : { stdout, stderr, done };
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  console.log(`${FORKS} forks in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  expect(answers).toEqual(Array.from({ length: FORKS }, () => ANSWER));
  await server.emptied(EMPTY_WITHIN_MS);
});
