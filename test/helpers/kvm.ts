import { accessSync, constants, statSync } from "node:fs";

/** Why no VM can be made here, for people; undefined if one can. */
export function kvmProblem(): string | undefined {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return statSync("/dev/kvm").isCharacterDevice() ? undefined : "/dev/kvm is no device";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
