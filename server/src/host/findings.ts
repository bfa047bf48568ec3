/** One thing looked at, for `zeroboot doctor`. */
export interface Finding {
  /** `fail`: no VM can run because of it. `warn`: something works less well. */
  readonly level: "ok" | "warn" | "fail";
  /** One line: what was found. */
  readonly what: string;
  /** One line: what to do. */
  readonly remedy?: string | undefined;
}
