/** One step of a {@link Plan}, with what it is expected to cost. */
export interface PlanStep {
  /** Stable name, for example `kernel`. */
  readonly id: string;
  /** For people, for example `guest kernel (compiled once, then kept)`. */
  readonly title: string;
  /** Expected, bytes. 0 when nothing is fetched. */
  readonly downloadBytes: number;
  /** Expected, seconds on this machine. */
  readonly seconds: number;
  /** Expected peak, bytes of disk. */
  readonly diskBytes: number;
}

/** What has to be made before a VM can run, told before any of it starts. */
export interface Plan {
  /** The cache directory. */
  readonly home: string;
  /** Empty when everything is there. */
  readonly steps: readonly PlanStep[];
  /** Free on the file system of `home`, bytes. */
  readonly freeBytes: number;
}

/**
 * Where long work says what it does. Implementations write to stderr or nowhere: stdout belongs
 * to the guest's output. No method throws or blocks.
 */
export interface Progress {
  /** Announce the plan, before anything is fetched. */
  plan(plan: Plan): void;
  /** A step begins; the previous one is over. `name` may be the id of a planned step. */
  step(name: string, detail?: string): void;
  /**
   * Within the current step. May be called at any rate.
   * @param fraction 0-1, or undefined when unknown
   * @param text what is being done right now, one line
   */
  update(fraction: number | undefined, text?: string): void;
  /** A line worth keeping: a wait for another process, a warning. */
  note(text: string): void;
  /** All steps are over. Also called after a failure. Idempotent. */
  done(): void;
}

/** Says nothing. */
export const silentProgress: Progress = {
  plan() {},
  step() {},
  update() {},
  note() {},
  done() {},
};

/** Tells both. */
export function bothOf(one: Progress, other: Progress): Progress {
  const both = [one, other];
  return {
    plan: (plan) => both.forEach((to) => void to.plan(plan)),
    step: (name, detail) => both.forEach((to) => void to.step(name, detail)),
    update: (fraction, text) => both.forEach((to) => void to.update(fraction, text)),
    note: (text) => both.forEach((to) => void to.note(text)),
    done: () => both.forEach((to) => void to.done()),
  };
}

/** The same progress, with fractions from 0 to 1 shown as `from` to `to`: for the parts of a step. */
export function partOf(progress: Progress, from: number, to: number): Progress {
  return {
    plan: (plan) => progress.plan(plan),
    step: (name, detail) => progress.step(name, detail),
    update: (fraction, text) =>
      progress.update(
        fraction === undefined ? undefined : from + Math.min(1, Math.max(0, fraction)) * (to - from),
        text,
      ),
    note: (text) => progress.note(text),
    done: () => progress.done(),
  };
}

const MEBI = 1024 * 1024;

/** `1.2 GB`, `64 MB`, `3 kB`: for people. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1024 * MEBI) return `${(bytes / (1024 * MEBI)).toFixed(1)} GB`;
  if (bytes >= MEBI) return `${Math.round(bytes / MEBI)} MB`;
  return `${Math.ceil(bytes / 1024)} kB`;
}

/** `45 s`, `6 min`: for people; rounds up, so that a wait is never promised too short. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} s`;
  return `${Math.ceil(seconds / 60)} min`;
}

/** The plan as lines of text. Empty when there is nothing to do. */
export function formatPlan(plan: Plan): string[] {
  if (plan.steps.length === 0) return [];
  const sum = (pick: (step: PlanStep) => number): number => plan.steps.reduce((total, step) => total + pick(step), 0);
  const peak = plan.steps.reduce((most, step) => Math.max(most, step.diskBytes), 0);
  const rows = plan.steps.map((step, index) => {
    const fetched = step.downloadBytes > 0 ? `${formatBytes(step.downloadBytes)} to download, ` : "";
    return `  ${index + 1}. ${step.title}: ${fetched}about ${formatDuration(step.seconds)}, ${formatBytes(step.diskBytes)} of disk`;
  });
  const total =
    `In all about ${formatDuration(sum((step) => step.seconds))}, ` +
    `${formatBytes(sum((step) => step.downloadBytes))} to download, at most ${formatBytes(peak)} of disk at a time ` +
    `(${formatBytes(plan.freeBytes)} free) in ${plan.home}.`;
  return [
    "Once, before the first VM can start:",
    ...rows,
    total,
    "It can be interrupted at any time and then continues where it stopped.",
  ];
}
