import { AptRoot } from "../apt/root.js";
import { throwIfAborted } from "../errors.js";
import { defaultHome, homeLayout } from "../home.js";
import { lockedBuild } from "../locked-build.js";
import type { Progress } from "../progress.js";
import { type Toolchain, toolchain, unpackedBefore } from "./toolchain.js";

/**
 * A make that works where the host has none: Debian's, unpacked into the cache, and fetched only once.
 * @throws SetupError `network_lost`, `package_missing`, `tool_missing`, `disk_full`, `interrupted` and others
 */
export async function privateMake(progress: Progress, signal: AbortSignal): Promise<Toolchain> {
  throwIfAborted(signal);
  const names = { lock: "make", log: "make", doing: "fetching make" };
  return lockedBuild(
    homeLayout(defaultHome()),
    { ...names, progress, signal, refresh: false },
    async (context) =>
      (await unpackedBefore(["make"], context)) ?? (await toolchain(["make"], new AptRoot(context), context)),
  );
}
