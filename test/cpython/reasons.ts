/** Why tests fail here, or are not run. */
export interface Reason {
  /** One sentence. */
  readonly text: string;
  /** It depends on the speed of the machine: such a test may pass as well. */
  readonly sometimes?: true;
}

/** Tests that have a reason in common: ids, in which `*` stands for anything. */
export interface Group {
  readonly tests: readonly string[];
  readonly reason: Reason;
}
