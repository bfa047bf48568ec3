import { Mismatch } from "./mismatch.js";

/** What all users together did and saw. */
export class Tally {
  readonly actions = new Map<string, number>();
  /** Small cells from their sending to their `done`, milliseconds. */
  readonly cellMs: number[] = [];
  /** Connections from their start to `ready`, milliseconds. */
  readonly connectMs: number[] = [];
  sessions = 0;
  cells = 0;
  /** Runtimes that were replaced. */
  restarts = 0;
  readonly #unique = new Set<string>();

  count(action: string): void {
    this.actions.set(action, (this.actions.get(action) ?? 0) + 1);
  }

  /** A value no two forks may have in common. @throws Mismatch */
  unique(value: string): void {
    if (this.#unique.has(value)) throw new Mismatch(`two sessions drew the same random value ${value}`);
    this.#unique.add(value);
  }
}
