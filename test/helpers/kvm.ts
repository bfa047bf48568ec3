import { accessSync, constants } from "node:fs";

/** Why no VM can be made here, for people; undefined if one can. */
export function kvmProblem(): string | undefined {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
