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

/** Ends of a VM that the program in it can bring about; its exit code is then 137. All others are failures of ours. */
const GUEST_ENDS = new Set(["guest_panic", "guest_reset", "triple_fault", "agent_exited", "protocol_violation"]);

/** How a program ended whose session ended with it. @param reason code of the session's end */
export function endedWithSession(ran: Ran, reason: string, message: string): Ran {
  const isOwn = ran.status === "timeout" || GUEST_ENDS.has(reason);
  return { ...ran, exitCode: isOwn ? ran.exitCode : EXIT.failure, failure: `${message} (${reason})` };
}
