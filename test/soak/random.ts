/**
 * Random numbers that come again with the same seed (mulberry32): what a run did can be done again,
 * as far as the machine's own timing lets it.
 */
export class Random {
  #state: number;

  /** @param seed an unsigned 32-bit integer */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("nothing to choose from");
    return choices[this.int(0, choices.length - 1)] as T;
  }

  /** One of them, as often as their weights are to each other. */
  weighted<T extends { readonly weight: number }>(choices: readonly T[]): T {
    let at = this.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
    for (const choice of choices) {
      at -= choice.weight;
      if (at < 0) return choice;
    }
    return this.pick(choices);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(0, 255));
  }

  /** Letters and digits. */
  token(length = 12): string {
    return Array.from({ length }, () => "abcdefghijklmnopqrstuvwxyz0123456789".charAt(this.int(0, 35))).join("");
  }

  /** Characters of one to four bytes of UTF-8; no line ends, no surrogates. */
  text(length: number): string {
    const ranges = [
      [0x20, 0x7e],
      [0xa1, 0x7ff],
      [0x4e00, 0x9fff],
      [0x1f300, 0x1f64f],
    ] as const;
    const one = () => {
      const [first, last] = this.pick(ranges);
      return String.fromCodePoint(this.int(first, last));
    };
    return Array.from({ length }, one).join("");
  }

  /** Another one, whose numbers do not depend on how many of these are taken from now on. */
  split(): Random {
    return new Random(this.int(0, 0xffff_ffff));
  }
}
