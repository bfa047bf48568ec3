import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { StandardStreams } from "./standard-streams.js";

/**
 * Read a line from a terminal without showing it, as getpass does.
 * @param signal gives up
 * @returns undefined for the end of input, or when given up
 */
export function readHiddenLine({ stdin, stderr }: StandardStreams, signal: AbortSignal): Promise<string | undefined> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0, signal });
  return new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(undefined));
    // The terminal is in raw mode: what would have been a signal is a key.
    lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  }).finally(() => {
    lines.close();
    stderr.write("\n");
  });
}
