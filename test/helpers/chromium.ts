import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Debian's package, or another build of Chromium that is named. Nothing is ever fetched. */
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** A machine that is emulated in software takes its time to start one, milliseconds. */
const STARTS_WITHIN_MS = 300_000;

/** Why no browser can be started here, for people; undefined if one can. */
export function chromiumProblem(): string | undefined {
  try {
    accessSync(EXECUTABLE, constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Chromium without a window, with an empty profile, talking to nobody but the pages it is sent to. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    timeout: STARTS_WITHIN_MS,
    args: ["--disable-gpu", "--disable-quic", "--disable-sync", "--no-first-run"],
  });
}
