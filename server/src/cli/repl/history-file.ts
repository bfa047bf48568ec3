import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Lines that are kept. */
export const MAX_HISTORY_LINES = 1000;
/** What was typed may hold secrets. */
const OWNER_ONLY = 0o600;

/**
 * What was typed, over many REPLs: a line each, oldest first. It is cut when it is read, and only
 * appended to while it is used, so that REPLs side by side keep each other's lines. One that cannot
 * be read or written is no reason to disturb anybody.
 */
export class HistoryFile {
  readonly #path: string;

  /** @param path its directory need not exist */
  constructor(path: string) {
    this.#path = path;
  }

  /** The latest lines, newest first. */
  read(): string[] {
    const lines = this.#lines();
    const latest = lines.slice(-MAX_HISTORY_LINES);
    if (latest.length < lines.length) attempt(() => this.#replace(latest));
    return latest.reverse();
  }

  /** Keep a line. */
  add(line: string): void {
    attempt(() => {
      mkdirSync(dirname(this.#path), { recursive: true });
      appendFileSync(this.#path, `${line}\n`, { mode: OWNER_ONLY });
      // One that was there before may have been open to others.
      chmodSync(this.#path, OWNER_ONLY);
    });
  }

  #lines(): string[] {
    let text = "";
    attempt(() => {
      text = readFileSync(this.#path, "utf8");
    });
    return text.split("\n").filter((line) => line !== "");
  }

  #replace(lines: readonly string[]): void {
    const draft = `${this.#path}.${process.pid}`;
    writeFileSync(draft, lines.map((line) => `${line}\n`).join(""), { mode: OWNER_ONLY });
    renameSync(draft, this.#path);
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
  }
}
