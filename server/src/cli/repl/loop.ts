import { type Execution, type ExecutionResult, type RunOptions, SessionClosedError } from "@zeroboot/sdk";
import type { SessionBase } from "@zeroboot/sdk/transport";
import { endedWithSession, ranBy } from "../exec-result.js";
import { longestTimeout } from "../longest-timeout.js";
import { describeError } from "../report-error.js";
import { CellReader, type CellStatus } from "./cell-reader.js";
import type { Console } from "./console.js";
import { InterruptKey } from "./interrupt-key.js";

/** What the loop needs of a session. */
export type CellSession = Pick<SessionBase, "run" | "check" | "closed" | "close" | "limits">;

export interface LoopOptions {
  /** A person: what was begun is not run when the input ends. */
  readonly isInteractive: boolean;
  /** As what is shown of an exception. */
  paint(traceback: string): string;
}

/** What leaves, as at Python's own prompt: the guest's `exit()` ends a cell and not its session. */
const LEAVE = /^\s*(exit|quit)\s*(\(\s*\))?\s*$/;

/** Reads cells and runs them, one after the other, until there are no more or there is no session. */
export class CellLoop {
  readonly #session: CellSession;
  readonly #console: Console;
  readonly #options: LoopOptions;
  readonly #reader: CellReader;
  readonly #key = new InterruptKey();
  /** Of the first cell that failed. */
  #failure = 0;
  /** Decided from outside. */
  #leaving: number | undefined;

  constructor(session: CellSession, console: Console, options: LoopOptions) {
    this.#session = session;
    this.#console = console;
    this.#options = options;
    this.#reader = new CellReader(console, (code) => this.#check(code), !options.isInteractive);
  }

  /** The lines of the cell that is being read. */
  get begun(): readonly string[] {
    return this.#reader.begun;
  }

  /** @returns the exit code */
  async run(): Promise<number> {
    let end: Error | undefined;
    void this.#session.closed.then((error) => {
      end = error;
      this.#console.end();
    });
    for (;;) {
      const code = await this.#reader.next();
      if (code === undefined || end !== undefined || LEAVE.test(code)) break;
      await this.#runCell(code);
    }
    if (this.#leaving !== undefined) return this.#leaving;
    if (end !== undefined) return this.#sessionEnded(await this.#session.closed);
    return this.#options.isInteractive ? 0 : this.#failure;
  }

  /** Ctrl-C. Answers false when no cell runs. */
  interrupt(): boolean {
    if (!this.#key.isArmed) return false;
    if (this.#key.press() === "kill") this.#console.notice("zeroboot: not heeded; ending what does not stop");
    return true;
  }

  /** The session goes on in a fresh virtual machine. */
  restarted(reason: string): void {
    const why = { interrupt: "after an interrupt", timeout: "after a timeout", outOfMemory: "for want of memory" };
    const said = Object.hasOwn(why, reason) ? why[reason as keyof typeof why] : `(${reason})`;
    this.#console.notice(`zeroboot: restarted ${said}: variables, files and processes are gone`);
  }

  /** End, with this exit code, whatever runs. */
  leave(exitCode: number): void {
    this.#leaving = exitCode;
    this.#console.end();
    void this.#session.close();
  }

  async #check(code: string): Promise<CellStatus> {
    try {
      return (await this.#session.check(code)).status;
    } catch {
      // Running it will say what is the matter.
      return "complete";
    }
  }

  async #runCell(code: string): Promise<void> {
    const options: RunOptions = {
      ...longestTimeout(this.#session.limits),
      maxOutputBytes: 0,
      displaysInStdout: true,
      onInput: (request) => this.#console.ask(request),
    };
    const execution = this.#session.run(code, options);
    this.#key.cell = execution;
    try {
      await Promise.all([this.#pass(execution, "stdout"), this.#pass(execution, "stderr")]);
      await this.#report(await execution);
    } catch (error) {
      // The session's end is told once, for all that it ends.
      if (!(error instanceof SessionClosedError)) this.#refused(error);
    } finally {
      this.#key.cell = undefined;
      this.#console.cancel();
    }
  }

  async #pass(execution: Execution, stream: "stdout" | "stderr"): Promise<void> {
    for await (const data of execution[stream].bytes()) await this.#console.write(data, stream);
  }

  async #report(result: ExecutionResult): Promise<void> {
    const ran = ranBy(result);
    if (ran.result !== undefined) await this.#console.write(`${ran.result}\n`, "stdout");
    if (ran.traceback !== undefined) {
      await this.#console.write(this.#options.paint(ran.traceback.replace(/\n?$/, "\n")), "stderr");
    }
    if (ran.truncated) this.#console.notice("zeroboot: output was cut");
    if (ran.status === "timeout") this.#console.notice("zeroboot: the cell ran out of time");
    if (ran.failure !== undefined) this.#console.notice(`zeroboot: ${ran.failure}`);
    this.#failed(ran.exitCode);
    // Its VM ended with it, and the session does so now.
    if (ran.status === "killed" && result.stoppedBy === undefined) await this.#session.closed;
  }

  #refused(error: unknown): void {
    for (const line of describeError(error)) this.#console.notice(line);
    this.#failed(1);
  }

  #failed(exitCode: number): void {
    if (this.#failure === 0) this.#failure = exitCode;
  }

  #sessionEnded(error: { readonly code: string; readonly message: string }): number {
    const { exitCode, failure } = endedWithSession(
      { status: "killed", exitCode: 137, truncated: false },
      error.code,
      error.message,
    );
    this.#console.notice(`zeroboot: the session ended: ${failure}, exit code ${exitCode}`);
    return exitCode;
  }
}
