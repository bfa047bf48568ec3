import type { ExecutionResult } from "@zeroboot/sdk";
import type { ExecutionStatus } from "@zeroboot/sdk/protocol";
import { EXIT } from "./exit-codes.js";

/** How a program that was run ended. */
export interface Ran {
  readonly exitCode: number;
  readonly status: ExecutionStatus;
  /** Of an exception. */
  readonly traceback?: string | undefined;
  /** text/plain of the last expression's value. */
  readonly result?: string | undefined;
  readonly truncated: boolean;
  /** What went wrong with the VM, in words. */
  readonly failure?: string | undefined;
}

/** What is to be told of a program that ended, its output apart. */
export function ranBy({ exitCode, status, error, result, truncated, stoppedBy }: ExecutionResult): Ran {
  return {
    exitCode,
    status,
    traceback: error?.traceback,
    result: result?.["text/plain"],
    truncated,
    ...(stoppedBy === "outOfMemory" ? { failure: "the program took all of the VM's memory" } : {}),
  };
}

/** Ends of a VM that the program in it can bring about; its exit code is then 137. All others are failures of ours. */
const GUEST_ENDS = new Set([
  "guest_panic",
  "guest_reset",
  "triple_fault",
  "agent_exited",
  "out_of_memory",
  "protocol_violation",
]);

/** How a program ended whose session ended with it. @param reason code of the session's end */
export function endedWithSession(ran: Ran, reason: string, message: string): Ran {
  const isOwn = ran.status === "timeout" || GUEST_ENDS.has(reason);
  return { ...ran, exitCode: isOwn ? ran.exitCode : EXIT.failure, failure: `${message} (${reason})` };
}
