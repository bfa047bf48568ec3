import { SetupError } from "../errors.js";

/** What was given as a root cannot be one. */
export function unusable(message: string, cause?: unknown): SetupError {
  return new SetupError("container_invalid", message, {
    remedy: "Give the directory or the tar of a whole file system, as `docker export CONTAINER` writes it.",
    ...(cause === undefined ? {} : { cause }),
  });
}
