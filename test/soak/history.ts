import { shortened } from "./mismatch.js";

const MAX_ENTRIES = 24;

/** What a user did last, for the report of what went wrong. */
export class History {
  readonly #start = performance.now();
  readonly #entries: string[] = [];

  note(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(3);
    this.#entries.push(`+${seconds} s  ${shortened(text.replaceAll("\n", "\\n"), 240)}`);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
  }

  toString(): string {
    return this.#entries.join("\n");
  }
}
