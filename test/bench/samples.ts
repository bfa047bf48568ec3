import { type Figure, summarize } from "./statistics.js";

interface Attempts {
  n: number;
  readonly samples: number[];
}

/** Samples by the name of their figure, as they come. */
export class Samples {
  readonly #byName = new Map<string, Attempts>();
  readonly #onFailure: (text: string) => void;

  /** @param onFailure is told, in one line, why an attempt failed */
  constructor(onFailure: (text: string) => void) {
    this.#onFailure = onFailure;
  }

  add(name: string, samples: readonly number[], n: number): void {
    const attempts = this.#of(name);
    attempts.n += n;
    attempts.samples.push(...samples);
  }

  /** One attempt: `work` is timed. One that throws is counted and said, and undefined is returned. */
  async measure<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    const attempts = this.#of(name);
    attempts.n++;
    const start = performance.now();
    try {
      const value = await work();
      attempts.samples.push((performance.now() - start) * 1000);
      return value;
    } catch (error) {
      this.#onFailure(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** In the order in which they were first measured. */
  figures(): Figure[] {
    return [...this.#byName].map(([name, { samples, n }]) => summarize(name, samples, n));
  }

  #of(name: string): Attempts {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const attempts: Attempts = { n: 0, samples: [] };
    this.#byName.set(name, attempts);
    return attempts;
  }
}
