import {
  formatDuration,
  type Plan,
  type PlanStep,
  type Progress,
  secondsLeft,
} from "../../../native/guest/build/index.js";
import type { Logger } from "../logger.js";

/** How far the making of a template is. */
export interface BuildProgress {
  /** `waiting` for another template, `loading` its snapshot, or the id of a step of the plan. */
  readonly step: string;
  /** For people. */
  readonly title: string;
  /** Of the step, 0-100; undefined while it cannot be told. */
  readonly percent: number | undefined;
  /** Of this step and those after it; undefined while it cannot be told. */
  readonly secondsLeft: number | undefined;
}

/** Before a template's turn has come. */
export const WAITING: BuildProgress = {
  step: "waiting",
  title: "waiting for another template to be made",
  percent: undefined,
  secondsLeft: undefined,
};

/** `root image: a shell, 43 %, about 20 s left` */
export function describeProgress({ title, percent, secondsLeft: left }: BuildProgress): string {
  return [
    title,
    ...(percent === undefined ? [] : [`${percent} %`]),
    ...(left === undefined ? [] : [`about ${formatDuration(left)} left`]),
  ].join(", ");
}

/** Remembers how far work is, for those who ask, and logs each of its steps. */
export class RecordedProgress implements Progress {
  readonly #log: Logger;
  readonly #now: () => number;
  #steps: readonly PlanStep[] = [];
  #index = -1;
  #step = "loading";
  #title = "loading what was kept";
  #fraction: number | undefined;
  #startedAt: number;

  /** @param now milliseconds, for tests */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
    this.#startedAt = now();
  }

  get current(): BuildProgress {
    const planned = this.#steps[this.#index];
    const elapsed = (this.#now() - this.#startedAt) / 1000;
    const left = secondsLeft(this.#fraction ?? 0, elapsed, planned?.seconds);
    const after = this.#steps.slice(this.#index + 1).reduce((sum, step) => sum + step.seconds, 0);
    return {
      step: this.#step,
      title: planned === undefined ? this.#title : `step ${this.#index + 1} of ${this.#steps.length}, ${this.#title}`,
      percent: this.#fraction === undefined ? undefined : Math.floor(this.#fraction * 100),
      secondsLeft: left === undefined ? undefined : Math.ceil(left + after),
    };
  }

  plan(plan: Plan): void {
    this.#steps = plan.steps;
  }

  step(name: string, detail?: string): void {
    this.#index = this.#steps.findIndex((step) => step.id === name);
    const planned = this.#steps[this.#index];
    this.#step = name;
    this.#title = detail ?? planned?.title ?? name;
    this.#fraction = 0;
    this.#startedAt = this.#now();
    const expected = planned === undefined ? {} : { expectedSeconds: Math.ceil(planned.seconds) };
    this.#log.info({ step: name, ...expected }, this.#title);
  }

  update(fraction: number | undefined): void {
    this.#fraction = fraction === undefined ? undefined : Math.min(1, Math.max(0, fraction));
  }

  note(text: string): void {
    this.#log.info({}, text);
  }

  done(): void {}
}
