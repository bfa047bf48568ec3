import { type ChildProcess, spawn } from "node:child_process";
import { poll } from "./poll.js";
import { CLI, collect, type Ended, ended } from "./program.js";

/** Escape sequences that move the cursor, clear or colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const CONTROL_SEQUENCES = /\x1b\[[\d;?]*[A-Za-z]/g;

/** `zeroboot` at a terminal of its own, which util-linux's script(1) makes. */
export class TerminalProgram implements AsyncDisposable {
  readonly ended: Promise<Pick<Ended, "exitCode" | "signal">>;
  readonly #child: ChildProcess;
  readonly #raw: () => string;
  #seen = 0;
  #hasEnded = false;

  /** @param args of `zeroboot` */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const command = [process.execPath, CLI, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    // Quiet, flushing, and ending with the program's own exit code.
    this.#child = spawn("script", ["-qfec", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, TERM: "xterm", SHELL: "/bin/sh", ...env },
    });
    if (this.#child.stdout === null) throw new TypeError("no pipe");
    this.#raw = collect(this.#child.stdout);
    this.ended = ended(this.#child);
    void this.ended.then(() => {
      this.#hasEnded = true;
    });
  }

  /** What was shown so far, without what moves the cursor; lines end in "\n". */
  get shown(): string {
    return this.#raw().replace(CONTROL_SEQUENCES, "").replace(/\r+\n/g, "\n");
  }

  /** The same with every escape sequence. */
  get raw(): string {
    return this.#raw();
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Wait until this is shown, behind what was waited for before. @returns what was shown in between */
  async until(text: string, withinMs = 120_000): Promise<string> {
    const found = await poll(JSON.stringify(text), withinMs, () => {
      const at = this.shown.indexOf(text, this.#seen);
      if (at >= 0) return { at };
      if (this.#hasEnded) throw new Error(`ended without ${JSON.stringify(text)}:\n${this.shown}`);
      return undefined;
    }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)}; shown:\n${this.shown}`);
    });
    const between = this.shown.slice(this.#seen, found.at);
    this.#seen = found.at + text.length;
    return between;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}
