import type { ExecutionResult } from "@zeroboot/sdk";
import { formatMicroseconds } from "./units.js";

/** How a cell ended, in words. */
export interface Outcome {
  /** `stopped`: not by itself. */
  readonly tone: "ok" | "failed" | "stopped";
  readonly text: string;
}

/** Waiting that is worth a word, microseconds. */
const NOTABLE_QUEUE_US = 1000;

const STOPPED_BY = {
  interrupt: "",
  kill: ", its child processes killed",
  restart: ", in the end by a fresh virtual machine",
  outOfMemory: ": the virtual machine had no memory left",
} as const;

type Ending = Pick<ExecutionResult, "status" | "exitCode" | "error" | "stateKept" | "stoppedBy">;

export function outcomeOf({ status, exitCode, error, stateKept, stoppedBy }: Ending): Outcome {
  const how = stoppedBy === undefined ? "" : STOPPED_BY[stoppedBy];
  const lost = stateKept ? "" : "; the session's state is gone";
  switch (status) {
    case "ok":
      return { tone: "ok", text: `ok${lost}` };
    case "error":
      return { tone: "failed", text: `${error?.name ?? `exit code ${exitCode}`}${lost}` };
    case "interrupted":
      return { tone: "stopped", text: `interrupted${how}${lost}` };
    case "timeout":
      return { tone: "stopped", text: `timed out${how}${lost}` };
    case "killed":
      return { tone: "stopped", text: `killed${how}${lost}` };
  }
}

/** What was measured of a cell: by the server, and on this page from its sending to its end. */
export function timesOf(timings: ExecutionResult["timings"], roundTripUs: number): string {
  const { queuedUs, execUs } = timings;
  return [
    ...(queuedUs >= NOTABLE_QUEUE_US ? [`queued ${formatMicroseconds(queuedUs)}`] : []),
    `cell ${formatMicroseconds(execUs)}`,
    `round trip ${formatMicroseconds(roundTripUs)}`,
  ].join(" · ");
}
