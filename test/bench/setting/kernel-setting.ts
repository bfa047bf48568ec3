import { readFileSync, writeFileSync } from "node:fs";

/** Files of one setting of the kernel's, below /proc/sys or /sys: all with one value at any time. */
export class KernelSetting {
  readonly #files: readonly string[];
  readonly #before: readonly string[];

  /** @throws NodeJS.ErrnoException when a file cannot be read */
  constructor(files: readonly string[]) {
    this.#files = files;
    this.#before = files.map((file) => chosen(readFileSync(file, "utf8")));
  }

  /** @throws NodeJS.ErrnoException when a file cannot be written, or the kernel does not take the value */
  set(value: string): void {
    for (const file of this.#files) writeFileSync(file, value);
  }

  /**
   * As it was when this object was made.
   * @throws AggregateError of those files that cannot be written; the others have their values
   */
  restore(): void {
    const errors: unknown[] = [];
    this.#files.forEach((file, i) => {
      try {
        writeFileSync(file, this.#before[i] ?? "");
      } catch (error) {
        errors.push(error);
      }
    });
    if (errors.length > 0) throw new AggregateError(errors, `not put back: ${errors.map(String).join("; ")}`);
  }
}

/** What a file says is in force: of a list of words the one in brackets (as transparent_hugepage/enabled). */
export function chosen(text: string): string {
  return /\[([^\]\n]+)\]/.exec(text)?.[1] ?? text.trim();
}
