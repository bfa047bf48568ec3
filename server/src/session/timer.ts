/** The longest delay that `setTimeout` takes, milliseconds: 24.8 days. */
const LONGEST_MS = 0x7fff_ffff;

/** One timer that can be started anew and stopped; alone it does not keep the process alive. */
export class Timer {
  readonly #onExpiry: () => void;
  #handle: NodeJS.Timeout | undefined;

  constructor(onExpiry: () => void) {
    this.#onExpiry = onExpiry;
  }

  /** Expire after `delayMs`, counted from now. */
  start(delayMs: number): void {
    this.stop();
    this.#handle = setTimeout(this.#onExpiry, Math.min(delayMs, LONGEST_MS));
    this.#handle.unref();
  }

  /** Idempotent. */
  stop(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }
}
