import type { HomeLayout } from "./home.js";
import type { BoundedLog } from "./log.js";
import type { Progress } from "./progress.js";

/** What every part of a build needs to know. */
export interface BuildContext {
  readonly layout: HomeLayout;
  readonly log: BoundedLog;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  /** Descriptor of the lock that protects this build; its commands inherit it. */
  readonly holdFd: number;
  /** Solve the packages anew although the lists are fresh. */
  readonly refresh: boolean;
}
