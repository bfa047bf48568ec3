import type { Progress } from "../../../native/guest/build/index.js";

/** What the console says, by what it means; later ones win. */
const PHASES: readonly (readonly [pattern: RegExp, phase: string])[] = [
  [/Linux version/, "the kernel starts"],
  [/Memory:|rcu:|NR_IRQS/, "the kernel sets up memory"],
  [/devtmpfs|clocksource|NET:/, "the kernel starts its drivers"],
  [/EROFS|erofs|pmem/, "the root image is mounted"],
  [/Run \/sbin\/init|init:/, "user space starts"],
  [/zeroboot: preload begins/, "the preload runs"],
  [/zeroboot: preload ended/, "the agent gets ready"],
];

const TICK_MS = 500;
/** Never promise that it is over before it is. */
const MOST_BY_TIME = 0.97;

/**
 * Shows how far a boot is: by its expected time, as nothing else says, and in words by the
 * guest's console.
 */
export class BootProgress {
  readonly #progress: Progress;
  readonly #expectedMs: number;
  readonly #startedAt = performance.now();
  readonly #ticker: NodeJS.Timeout;
  #phase = "";
  #tail = "";

  constructor(progress: Progress, expectedMs: number) {
    this.#progress = progress;
    this.#expectedMs = expectedMs;
    this.#ticker = setInterval(() => this.#show(), TICK_MS);
    this.#ticker.unref();
  }

  /** Console text of the guest, as it comes. */
  console(text: string): void {
    this.#tail = (this.#tail + text).slice(-1024);
    for (const [pattern, phase] of PHASES) if (pattern.test(this.#tail)) this.#phase = phase;
    this.#show();
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#ticker);
  }

  #show(): void {
    const elapsedMs = performance.now() - this.#startedAt;
    this.#progress.update(Math.min(MOST_BY_TIME, elapsedMs / this.#expectedMs), this.#phase);
  }
}
