/** Entries kept. */
const MAX_ENTRIES = 100;

/** The cells that were run, to be had again: up for older ones, down for newer ones and what was being written. */
export class History {
  readonly #entries: string[] = [];
  /** Index of the entry that is shown; the length: none. */
  #at = 0;
  #draft = "";

  add(code: string): void {
    if (this.#entries.at(-1) !== code) this.#entries.push(code);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    this.#at = this.#entries.length;
  }

  /** @param current what stands in the box @returns what shall; undefined if there is nothing older */
  older(current: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#entries.length) this.#draft = current;
    return this.#entries[--this.#at];
  }

  newer(): string | undefined {
    if (this.#at === this.#entries.length) return undefined;
    this.#at++;
    return this.#at === this.#entries.length ? this.#draft : this.#entries[this.#at];
  }
}
