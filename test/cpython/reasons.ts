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

export const REASONS = {
  childrensThreads: {
    text: "A child has the agent's limit on data, and each of its 40 threads takes 8 MiB of that for its stack.",
  },
  manyWakeups: {
    text: "A hundred threads wake each other thousands of times, at 40 ms each on kvm_pvm: five minutes are too few.",
  },
  manyDescriptors: {
    text: "Opens as many sockets as a process may have, which takes a minute on kvm_pvm for each kind of selector.",
  },
  sameAgain: {
    text: "The tests of ProcessTestCase once more, with select in place of poll: a child each, at 5 s on kvm_pvm.",
  },
} as const satisfies Record<string, Reason>;
