import * as z from "zod";
import { BenchError } from "./errors.js";
import type { Samples } from "./samples.js";

const RUN = { code: "print(1)", language: "python" };
const OUTPUT = "1\n";
const CLIENTS = 16;
const RUNS_PER_CLIENT = 4;
const BATCH = 100;
const WARM_UP_RUNS = 10;

const answer = z.object({ stdout: z.string(), exit_code: z.number() });
const batchAnswer = z.object({ results: z.array(answer) });

/**
 * Programs by one request each: alone, by clients side by side, and as a batch. The connections stay open, as those of
 * the SDKs do.
 * @throws BenchError, TypeError when not even the first answers come
 */
export async function measureRest(url: string, rounds: number, samples: Samples): Promise<void> {
  for (let i = 0; i < WARM_UP_RUNS; i++) await run(url);
  for (let round = 0; round < rounds; round++) {
    await samples.measure("rest/exec", () => run(url));
    await samples.measure(`rest/${CLIENTS * RUNS_PER_CLIENT}_execs_by_${CLIENTS}_clients`, () =>
      Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          for (let i = 0; i < RUNS_PER_CLIENT; i++) {
            await samples.measure(`rest/exec_among_${CLIENTS}_clients`, () => run(url));
          }
        }),
      ),
    );
    await samples.measure(`rest/batch_of_${BATCH}`, () => batch(url));
  }
}

/** @throws BenchError when the answer is wrong: a failure is no fast run */
async function run(url: string): Promise<void> {
  check(answer.parse(await post(`${url}/v1/exec`, RUN)));
}

async function batch(url: string): Promise<void> {
  const { results } = batchAnswer.parse(await post(`${url}/v1/exec/batch`, { executions: Array(BATCH).fill(RUN) }));
  if (results.length !== BATCH) throw new BenchError(`${results.length} results of ${BATCH} executions`);
  for (const result of results) check(result);
}

function check({ stdout, exit_code: exitCode }: z.output<typeof answer>): void {
  if (stdout !== OUTPUT || exitCode !== 0) {
    throw new BenchError(`the program ended with ${exitCode} and ${JSON.stringify(stdout)}`);
  }
}

async function post(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) throw new BenchError(`${response.status}: ${(await response.text()).slice(0, 200)}`);
  return await response.json();
}
