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
  noDnotify: {
    text: "The guest's kernel has inotify and not its predecessor dnotify, which is what F_NOTIFY asks for.",
  },
  tenSeconds: {
    text: "Two Python children have to start and answer within 10 s, and starting one takes 5 s on kvm_pvm.",
    sometimes: true,
  },
  tenthOfSecond: {
    text: "A wait without patience has to end within 0.1 s, and takes longer on kvm_pvm the first time.",
    sometimes: true,
  },
  manyChildren: {
    text: "Starts Python children by the dozen, at 5 s each on kvm_pvm: that takes too long.",
  },
  otherWatchers: {
    text: "The same tests for each other way to watch children than asyncio's own choice, at 5 s a child on kvm_pvm.",
  },
  manySystemCalls: {
    text: "Asks the kernel for randomness 100,000 times, which takes five minutes on kvm_pvm.",
  },
  manyWakeups: {
    text: "A hundred threads wake each other thousands of times, at 40 ms each on kvm_pvm: five minutes are too few.",
  },
  manyDescriptors: {
    text: "Opens as many sockets as a process may have, which takes a minute on kvm_pvm for each kind of selector.",
  },
  sameAgain: {
    text: "The tests of ProcessTestCase once more, with select in place of poll.",
  },
} as const satisfies Record<string, Reason>;
