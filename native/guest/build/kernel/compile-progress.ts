import { readFileSync, writeFileSync } from "node:fs";
import type { Progress } from "../progress.js";

/** What `make vmlinux` prints of a whole build of our configuration: one line per thing made. */
const EXPECTED_LINES = 1362;
const SAVE_EVERY = 25;

/**
 * How far a kernel's compilation is, by counting what make says it makes. The count is kept in a
 * file, because a build that goes on prints only what was left to do.
 */
export class CompileProgress {
  readonly #path: string;
  readonly #progress: Progress;
  #lines: number;

  /** @param path where the count is kept */
  constructor(path: string, progress: Progress) {
    this.#path = path;
    this.#progress = progress;
    this.#lines = savedCount(path);
  }

  /** One line of make's output. */
  line(line: string): void {
    const made = /^ {2}([A-Z][A-Z0-9]+) +(\S+)/.exec(line);
    if (made === null) return;
    this.#lines += 1;
    if (this.#lines % SAVE_EVERY === 0) this.save();
    // Never quite 1: only the end of make says that it is done.
    this.#progress.update(Math.min(0.99, this.#lines / EXPECTED_LINES), `${made[1]} ${made[2]}`);
  }

  save(): void {
    try {
      writeFileSync(this.#path, `${this.#lines}\n`);
    } catch {
      // Only the percentage after an interruption depends on it.
    }
  }
}

function savedCount(path: string): number {
  try {
    const count = Number.parseInt(readFileSync(path, "utf8"), 10);
    return Number.isSafeInteger(count) && count > 0 ? Math.min(count, EXPECTED_LINES) : 0;
  } catch {
    return 0;
  }
}
