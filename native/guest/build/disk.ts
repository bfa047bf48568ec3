import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { SetupError, systemCode } from "./errors.js";
import { formatBytes } from "./progress.js";

/** Nothing is built with less than this free, bytes: a kernel tree alone takes 1.7 GB. */
export const REQUIRED_FREE_BYTES = 4 * 1024 ** 3;

/** Free for this user on the file system of a path, bytes. */
export type FreeBytes = (path: string) => Promise<number>;

/** {@link FreeBytes} of the real disk; the path need not exist yet. */
export const freeBytesOnDisk: FreeBytes = async (path) => {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" || dirname(at) === at) throw error;
    }
  }
};

/**
 * @param heldBytes disk that interrupted work holds already: it passed this check when it began
 * @throws SetupError `disk_full` when less than 4 GB are free
 */
export function requireFreeSpace(home: string, freeBytes: number, heldBytes = 0): void {
  if (freeBytes + heldBytes >= REQUIRED_FREE_BYTES) return;
  throw new SetupError(
    "disk_full",
    `${formatBytes(freeBytes)} free for ${home}, but building needs ${formatBytes(REQUIRED_FREE_BYTES)}`,
    { remedy: "Free some space, or set ZEROBOOT_HOME to a directory on a disk that has it." },
  );
}
