import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "./errors.js";

const LIMIT_BYTES = 4 * 1024 * 1024;
const TAIL_LINES = 20;
const TAIL_CHARS = 8192;
const KEPT_FILES = 30;
const KEPT_ERRORS = 5;
const ERROR_LINE = /\berror: |\*\*\* |^E: /;

/**
 * The log file of one build: what its commands print, up to 4 MiB; the last lines are always
 * known, also past that. Writes are synchronous: a build prints little, and a killed builder's
 * log must be whole.
 */
export class BoundedLog {
  readonly path: string;
  #written = 0;
  #tail = "";
  #rest = "";
  #errors: string[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Create a log in `directory`; the oldest files beyond 30 are removed.
   * @throws SetupError `home_unusable`, `disk_full`
   */
  static create(directory: string, name: string): BoundedLog {
    try {
      mkdirSync(directory, { recursive: true });
      const old = readdirSync(directory)
        .filter((file) => file.endsWith(".log"))
        .sort((a, b) => stamp(a).localeCompare(stamp(b)));
      for (const file of old.slice(0, Math.max(0, old.length - KEPT_FILES + 1))) {
        rmSync(join(directory, file), { force: true });
      }
      const time = new Date().toISOString().replace(/[:.]/g, "-");
      const path = join(directory, `${name}.${time}.${process.pid}.log`);
      writeFileSync(path, "");
      return new BoundedLog(path);
    } catch (error) {
      throw fileError(error, `creating a log in ${directory}`);
    }
  }

  write(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_CHARS);
    this.#collectErrors(text);
    if (this.#written >= LIMIT_BYTES) return;
    const cut = this.#written + text.length > LIMIT_BYTES;
    this.#written += text.length;
    try {
      appendFileSync(this.path, cut ? `${text}\n[the log is full]\n` : text);
    } catch {
      // A full disk fails the build itself; a log that cannot be written must not hide that.
    }
  }

  /** A line of our own, between commands: errors before it are forgotten. */
  note(line: string): void {
    this.#errors = [];
    this.write(`${line}\n`);
  }

  /** What the last commands printed: the last 20 lines, and the first errors if they lie before. */
  tail(): string {
    const last = this.#tail.trimEnd().split("\n").slice(-TAIL_LINES);
    const earlier = this.#errors.filter((line) => !last.includes(line));
    return [...earlier, ...(earlier.length > 0 ? ["..."] : []), ...last].join("\n");
  }

  /** A parallel make goes on for many lines after the one that failed. */
  #collectErrors(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(-TAIL_CHARS);
    for (const line of lines) {
      if (this.#errors.length < KEPT_ERRORS && ERROR_LINE.test(line)) this.#errors.push(line.slice(0, 500));
    }
  }
}

/** `kernel.2026-01-02T03-04-05-678Z.4711.log`: the part that orders. */
function stamp(file: string): string {
  return file.split(".")[1] ?? "";
}
