import { setTimeout as sleep } from "node:timers/promises";
import { Session } from "@zeroboot/sdk";
import * as z from "zod";
import { BenchError } from "./errors.js";
import type { Samples } from "./samples.js";

const CELL = "print(1+1)";
const OUTPUT = "2\n";
const CELLS_PER_ROUND = 10;

const POLL_MS = 5;
const SETTLE_TIMEOUT_MS = 30_000;
const health = z.object({ vms: z.number() });

/**
 * What a user of the SDK sees: this process is the client, `url` another process. Both have just started, and V8
 * has compiled neither: the first cells are a figure of their own.
 * @throws BenchError, ZerobootError when the lasting session cannot be had or fails
 */
export async function measureSessions(url: string, rounds: number, samples: Samples): Promise<void> {
  await using lasting = await Session.connect({ url });
  await (await Session.connect({ url })).close();
  const cells = rounds * CELLS_PER_ROUND;
  for (let i = 0; i < cells; i++) {
    await samples.measure("session/cell_round_trip_at_first", () => runCell(lasting));
  }
  for (let round = 0; round < rounds; round++) {
    await settled(url);
    const session = await samples.measure("session/connect_to_ready", () => Session.connect({ url }));
    await session?.close();
    await settled(url);
    for (let i = 0; i < CELLS_PER_ROUND; i++) await samples.measure("session/cell_round_trip", () => runCell(lasting));
  }
}

/** @throws BenchError when the answer is wrong: a failure is no fast cell */
async function runCell(session: Session): Promise<void> {
  const { status, stdout, error } = await session.run(CELL);
  if (status === "ok" && stdout === OUTPUT) return;
  throw new BenchError(`the cell ended ${status} with ${JSON.stringify(stdout)} ${error?.message ?? ""}`);
}

/** Until the lasting session's is the only virtual machine: a teardown is no part of the next sample. */
async function settled(url: string): Promise<void> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`${url}/v1/health`);
    const { vms } = health.parse(await response.json());
    if (vms === 1) return;
    if (performance.now() > deadline) throw new BenchError(`${vms} virtual machines live where one session does`);
    await sleep(POLL_MS);
  }
}
