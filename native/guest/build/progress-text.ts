import { secondsLeft } from "./pace.js";
import { formatDuration, formatPlan, type Plan, type PlanStep, type Progress } from "./progress.js";

/** The part of a stream that {@link TextProgress} needs; `process.stderr` is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const TTY_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 15_000;

/**
 * Progress as text: on a terminal one line that updates in place, elsewhere a line now and then.
 * @param stream default `process.stderr`
 * @param now milliseconds, for tests
 */
export class TextProgress implements Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #steps: readonly PlanStep[] = [];
  #title = "";
  #position = "";
  #expectedSeconds: number | undefined;
  #startedAt = 0;
  #writtenAt = 0;
  #lineOpen = false;
  #running = false;

  constructor(stream: ProgressStream = process.stderr, now: () => number = Date.now) {
    this.#stream = stream;
    this.#now = now;
  }

  plan(plan: Plan): void {
    this.#steps = plan.steps;
    for (const line of formatPlan(plan)) this.#print(line);
  }

  step(name: string, detail?: string): void {
    this.#finishStep();
    const index = this.#steps.findIndex((step) => step.id === name);
    const planned = this.#steps[index];
    this.#position = planned === undefined ? "" : `[${index + 1}/${this.#steps.length}] `;
    this.#title = detail ?? planned?.title ?? name;
    this.#expectedSeconds = planned?.seconds;
    this.#startedAt = this.#now();
    this.#writtenAt = this.#startedAt;
    this.#running = true;
    if (this.#stream.isTTY === true) this.#redraw(`${this.#position}${this.#title}`);
    else this.#print(`${this.#position}${this.#title}`);
  }

  update(fraction: number | undefined, text = ""): void {
    if (!this.#running) return;
    const now = this.#now();
    const interval = this.#stream.isTTY === true ? TTY_INTERVAL_MS : LINE_INTERVAL_MS;
    if (now - this.#writtenAt < interval) return;
    this.#writtenAt = now;
    const line = this.#position + this.#title + this.#pace(fraction, now) + (text === "" ? "" : `: ${clean(text)}`);
    if (this.#stream.isTTY === true) this.#redraw(line);
    else this.#print(line);
  }

  note(text: string): void {
    this.#print(clean(text));
  }

  done(): void {
    this.#finishStep();
    this.#steps = [];
  }

  #pace(fraction: number | undefined, now: number): string {
    const elapsed = (now - this.#startedAt) / 1000;
    if (fraction === undefined) return ` ${formatDuration(elapsed)}`;
    const part = Math.min(1, Math.max(0, fraction));
    const percent = ` ${Math.floor(part * 100)} %`;
    if (part >= 1) return percent;
    const left = secondsLeft(part, elapsed, this.#expectedSeconds);
    return left === undefined ? percent : `${percent}, ${formatDuration(left)} left`;
  }

  #finishStep(): void {
    if (!this.#running) return;
    this.#running = false;
    const seconds = (this.#now() - this.#startedAt) / 1000;
    const line = `${this.#position}${this.#title}: ended after ${formatDuration(seconds)}`;
    if (this.#stream.isTTY === true) {
      this.#redraw(line);
      this.#stream.write("\n");
      this.#lineOpen = false;
    } else {
      this.#print(line);
    }
  }

  #redraw(line: string): void {
    const width = Math.max(20, (this.#stream.columns ?? 80) - 1);
    this.#stream.write(`\r\x1b[K${line.length > width ? `${line.slice(0, width - 1)}…` : line}`);
    this.#lineOpen = true;
  }

  #print(line: string): void {
    this.#stream.write(`${this.#lineOpen ? "\r\x1b[K" : ""}${line}\n`);
    this.#lineOpen = false;
  }
}

/** Output of build tools goes onto the user's terminal: no control characters. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
}
