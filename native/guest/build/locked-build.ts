import { mkdir } from "node:fs/promises";
import type { BuildContext } from "./context.js";
import { fileError } from "./errors.js";
import type { HomeLayout } from "./home.js";
import { withLock } from "./lock.js";
import { BoundedLog } from "./log.js";
import type { Progress } from "./progress.js";

export interface LockedBuild {
  /** Of the lock and of the log. */
  readonly lock: string;
  readonly log: string;
  /** What a process that waits for the lock says it waits for, and what an error says failed. */
  readonly doing: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  /** As {@link BuildContext.refresh}. */
  readonly refresh: boolean;
}

/**
 * Build something under its lock, which another process may hold: it may have made it meanwhile.
 * @throws SetupError what `build` throws, and errors of files as `disk_full`, `home_unusable`
 */
export async function lockedBuild<T>(
  layout: HomeLayout,
  { lock, log: logName, doing, progress, signal, refresh }: LockedBuild,
  build: (context: BuildContext) => Promise<T>,
): Promise<T> {
  try {
    await mkdir(layout.work, { recursive: true });
  } catch (error) {
    throw fileError(error, `creating ${layout.work}`);
  }
  return withLock({ directory: layout.locks, name: lock, doing, progress, signal }, async ({ fd }) => {
    const log = BoundedLog.create(layout.log, logName);
    try {
      return await build({ layout, log, progress, signal, holdFd: fd, refresh });
    } catch (error) {
      throw fileError(error, doing);
    }
  });
}
