import type { ExecutionStatus } from "@zeroboot/sdk/protocol";

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
