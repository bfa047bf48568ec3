import { setTimeout as sleep } from "node:timers/promises";
import { TextProgress } from "../../../native/guest/build/index.js";
import { errorCode } from "../errors.js";
import type { StandardStreams } from "./standard-streams.js";

/** Between two tries, milliseconds. */
const RETRY_MS = 1000;

/**
 * Try again while the server is making the template, showing what it says of its progress. There is no time limit
 * here: the server ends what takes it too long, and then says something else.
 * @throws what `connect` throws, but for `template_building`; the signal's reason
 */
export async function whileTemplateIsMade<T>(
  connect: () => Promise<T>,
  stderr: StandardStreams["stderr"],
  signal: AbortSignal,
  retryMs = RETRY_MS,
): Promise<T> {
  let progress: TextProgress | undefined;
  try {
    for (;;) {
      try {
        return await connect();
      } catch (error) {
        if (errorCode(error) !== "template_building" || !(error instanceof Error)) throw error;
        if (progress === undefined) {
          progress = new TextProgress(stderr);
          progress.step("wait", "waiting for the server's template");
        }
        progress.update(undefined, error.message);
      }
      await sleep(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    progress?.done();
  }
}
