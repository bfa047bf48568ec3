import { expect } from "vitest";
import { poll } from "./poll.js";
import type { Held, ServerProcess } from "./server-process.js";

/** The contract is 1 s; a noisy or emulated machine gets ten times that, and says what it took. */
export const EMPTY_WITHIN_MS = 10_000;

/** After `what`, no VM lives and the server holds no more than `before`. @returns once that is so */
export async function released(server: ServerProcess, before: Held, what: string): Promise<void> {
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
  // Node's own heap may grow by a mapping or two; one leaked VM alone would be three.
  expect(after.mappings).toBeLessThanOrEqual(before.mappings + 12);
}
