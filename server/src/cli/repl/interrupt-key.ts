/** What Ctrl-C needs of the running cell. */
export interface Interruptible {
  interrupt(options?: { readonly after?: "kill" }): void;
}

/** How soon a second Ctrl-C means that the first one was not heeded, milliseconds. */
const UNHEEDED_MS = 2_000;

/** Ctrl-C while a cell runs: the first interrupts it; one soon after that also ends what does not heed it. */
export class InterruptKey {
  readonly #now: () => number;
  #cell: Interruptible | undefined;
  #pressedAt: number | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The running cell, or undefined: none runs. */
  set cell(cell: Interruptible | undefined) {
    this.#cell = cell;
    this.#pressedAt = undefined;
  }

  get isArmed(): boolean {
    return this.#cell !== undefined;
  }

  /** Answers what was asked of the cell. */
  press(): "interrupt" | "kill" {
    const now = this.#now();
    const isUnheeded = this.#pressedAt !== undefined && now - this.#pressedAt <= UNHEEDED_MS;
    this.#pressedAt = now;
    if (isUnheeded) this.#cell?.interrupt({ after: "kill" });
    else this.#cell?.interrupt();
    return isUnheeded ? "kill" : "interrupt";
  }
}
