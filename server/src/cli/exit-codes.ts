import { errorCode } from "../errors.js";

/** How this program ends, where it is not the guest's own exit code. */
export const EXIT = {
  ok: 0,
  /** Doctor: no VM can run. */
  unfit: 1,
  /** A cell ran out of time. */
  timeout: 124,
  /** Anything of ours failed, the command line included. */
  failure: 125,
  /** No KVM, or no right to use it. */
  noKvm: 126,
  interrupted: 130,
  terminated: 143,
} as const;

const NO_KVM = new Set(["kvm_missing", "kvm_forbidden", "kvm_unsuitable"]);

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const code = errorCode(error) ?? "";
  if (NO_KVM.has(code)) return EXIT.noKvm;
  return code === "interrupted" ? EXIT.interrupted : EXIT.failure;
}
