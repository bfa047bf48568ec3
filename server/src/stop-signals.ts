import { closeSync, openSync } from "node:fs";
import { EXIT } from "./cli/exit-codes.js";

export type StopSignal = "SIGINT" | "SIGTERM";

/**
 * SIGHUP: what is kept in files is to be read anew. It also comes when the terminal that a program was started from is
 * closed, and then there is nobody left who wants it to run.
 * @returns what ends it
 */
export function onHangUp(reload: () => void, stop: () => void): () => void {
  const listener = (): void => (process.stdin.isTTY && !hasTerminal() ? stop() : reload());
  process.on("SIGHUP", listener);
  return () => void process.off("SIGHUP", listener);
}

/** tty(4): a process whose terminal is gone cannot open it. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** The first SIGINT or SIGTERM; the second one ends the process at once. */
export function onStopSignal(): { readonly received: Promise<StopSignal>; release(): void } {
  let resolve: (signal: StopSignal) => void = () => {};
  const received = new Promise<StopSignal>((settle) => {
    resolve = settle;
  });
  let first = true;
  const listener = (signal: StopSignal): void => {
    if (!first) process.exit(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated);
    first = false;
    resolve(signal);
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    received,
    release() {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}
