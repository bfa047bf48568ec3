import { expect } from "vitest";
import { poll } from "./poll.js";
import type { Held, ServerProcess } from "./server-process.js";

/** The contract is 1 s; a noisy or emulated machine gets ten times that, and says what it took. */
export const EMPTY_WITHIN_MS = 10_000;

/** Mappings by which Node's own heap may grow meanwhile; one leaked VM alone would be three. */
const HEAP_MAPPINGS = 12;

/** After `what`, no VM lives and the server holds no more than `before`. @returns once that is so */
export async function released(
  server: ServerProcess,
  before: Held,
  what: string,
  heapMappings = HEAP_MAPPINGS,
): Promise<void> {
  const took = await server.emptied(EMPTY_WITHIN_MS);
  const start = performance.now();
  const after = await poll(`resources back after ${what}`, EMPTY_WITHIN_MS, () => {
    const now = server.held();
    return now.fds <= before.fds && now.threads <= before.threads ? now : undefined;
  }).catch(() => server.held());
  console.log(
    `${what}: no VM after ${took.toFixed(0)} ms, resources after ${(performance.now() - start).toFixed(0)} ms`,
  );
  expect(after.fds).toBeLessThanOrEqual(before.fds);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(after.mappings).toBeLessThanOrEqual(before.mappings + heapMappings);
}
