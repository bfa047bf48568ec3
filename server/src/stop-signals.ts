import { EXIT } from "./cli/exit-codes.js";

export type StopSignal = "SIGINT" | "SIGTERM";

/** SIGHUP: what is kept in files is to be read anew. @returns what ends it */
export function onReloadSignal(reload: () => void): () => void {
  process.on("SIGHUP", reload);
  return () => void process.off("SIGHUP", reload);
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
