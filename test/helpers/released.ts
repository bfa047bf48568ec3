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
    const back = now.fds <= before.fds && now.threads <= before.threads && now.guestMappings === 0;
    return back ? now : undefined;
  }).catch(() => server.held());
  console.log(
    `${what}: no VM after ${took.toFixed(0)} ms, resources after ${(performance.now() - start).toFixed(0)} ms`,
  );
  expect(after.fds).toBeLessThanOrEqual(before.fds);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(after.guestMappings).toBe(0);
}
