/** Codes of {@link SetupError}. Each is described in docs/errors.md. */
export type SetupErrorCode =
  | "disk_full" // not enough free space, before or while building
  | "network_lost" // the package servers did not answer; running again resumes
  | "package_missing" // the system's package sources do not offer a package, or not in a usable version
  | "package_corrupt" // a downloaded package does not have the digest its signed index promises
  | "tool_missing" // a program of the host that cannot be fetched (compiler, apt-get, dpkg-deb) is absent
  | "command_failed" // a build command failed; `log` names its log file
  | "config_rejected" // the kernel's configuration did not take what the fragment asks for
  | "recipe_invalid" // unknown template, or its recipe is malformed
  | "container_invalid" // the directory or tar given as a root cannot be one
  | "kernel_invalid" // the file given as kernel cannot be read or is not a kernel
  | "interrupted" // stopped by the caller; running again resumes
  | "lock_failed" // an artefact's lock could not be taken
  | "home_unusable"; // the cache directory cannot be created or written

/** What {@link SetupError} carries beside its message. */
export interface SetupErrorDetail {
  /** One sentence: what the user can do about it. */
  remedy: string;
  /** Log file of the command that failed. */
  log?: string;
  cause?: unknown;
}

/** Making the guest's kernel or root image failed. `code` is stable; `message` and `remedy` are for people. */
export class SetupError extends Error {
  override readonly name = "SetupError";
  readonly code: SetupErrorCode;
  readonly remedy: string;
  readonly log: string | undefined;

  constructor(code: SetupErrorCode, message: string, detail: SetupErrorDetail) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.remedy = detail.remedy;
    this.log = detail.log;
  }
}

/** The error every aborted operation ends with. */
export function interrupted(): SetupError {
  return new SetupError("interrupted", "setup was interrupted", {
    remedy: "Run the same command again: it continues where it stopped.",
  });
}

/** @throws SetupError `interrupted` when `signal` has been aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted();
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, ...), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** Turn a file system error into a typed one; anything else passes through. */
export function fileError(error: unknown, doing: string): unknown {
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SetupError("disk_full", `the disk is full (${doing})`, {
      remedy: "Free some space, or point ZEROBOOT_HOME at another disk, and run the same command again.",
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST") {
    return new SetupError("home_unusable", `cannot write the cache directory (${doing}): ${String(error)}`, {
      remedy: "Make the directory writable for this user, or point ZEROBOOT_HOME elsewhere.",
      cause: error,
    });
  }
  return error;
}
