import type { History } from "./history.js";
import { holds, Mismatch, same } from "./mismatch.js";
import type { Model } from "./model.js";
import { type Cell, type CellOptions, type Outcome, type Peer, SessionEnded } from "./peer.js";
import type { Random } from "./random.js";
import type { Tally } from "./tally.js";

/** How long things may take on this machine. */
export interface Pace {
  /** After which an answer counts as missing, milliseconds. */
  readonly patienceMs: number;
  /** How much longer everything takes than on a processor: for pauses in which something is to happen. */
  readonly slowness: number;
}

/** Statuses of a cell that did not come to its end. */
const STOPPED = ["interrupted", "timeout"];

/** One user in one session: what actions work with. */
export class Visit {
  readonly peer: Peer;
  readonly model: Model;
  readonly random: Random;
  readonly tally: Tally;
  readonly pace: Pace;
  readonly #history: History;
  #cells = 0;

  constructor(peer: Peer, model: Model, random: Random, tally: Tally, pace: Pace, history: History) {
    this.peer = peer;
    this.model = model;
    this.random = random;
    this.tally = tally;
    this.pace = pace;
    this.#history = history;
  }

  note(text: string): void {
    this.#history.note(text);
  }

  /** Send a cell. */
  start(code: string, options: CellOptions = {}): Cell {
    this.note(`cell ${++this.#cells}: ${code}${Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : ""}`);
    this.tally.cells++;
    return this.peer.run(code, options);
  }

  /**
   * The end of a cell, checked for what holds for every one of them; the model follows.
   * @param mayRestart whether the runtime may have been replaced to end it
   */
  async finish(cell: Cell, mayRestart = false): Promise<Outcome> {
    const outcome = await this.within("done", cell.outcome);
    const { status, exitCode, stateKept, stoppedBy } = outcome;
    this.note(
      `${status} ${exitCode}${stoppedBy === undefined ? "" : ` by ${stoppedBy}`}${stateKept ? "" : ", state gone"}`,
    );
    const byStatus = { ok: 0, interrupted: 130, timeout: 124, killed: 137 } as const;
    const expected = byStatus[status as keyof typeof byStatus];
    if (expected !== undefined) same(`exit code of ${status}`, exitCode, expected);
    else holds(status === "error" && exitCode > 0 && exitCode < 256, `status ${status} with exit code ${exitCode}`);
    if (stateKept) holds(stoppedBy !== "restart" && stoppedBy !== "outOfMemory", `state kept by ${stoppedBy}`);
    else await this.#stateGone(outcome, mayRestart);
    if (STOPPED.includes(status)) holds(outcome.error?.name !== "SystemExit", "an interrupt became an exit");
    this.#counted(outcome);
    return outcome;
  }

  /** A cell that does nothing but come to its end. */
  async run(code: string, options: CellOptions = {}): Promise<{ readonly cell: Cell; readonly outcome: Outcome }> {
    const start = performance.now();
    const cell = this.start(code, options);
    const outcome = await this.finish(cell);
    this.tally.cellMs.push(performance.now() - start);
    return { cell, outcome };
  }

  /** The same, and what it must print. @throws Mismatch */
  async prints(code: string, stdout: string, options: CellOptions = {}): Promise<Outcome> {
    const { cell, outcome } = await this.run(code, options);
    same("status", [outcome.status, outcome.truncated], ["ok", false]);
    same("stdout", cell.output.text("stdout"), stdout);
    same("stderr", cell.output.text("stderr"), "");
    return outcome;
  }

  /** @throws Mismatch when it takes longer than anything may */
  async within<T>(what: string, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const { patienceMs } = this.pace;
      timer = setTimeout(() => reject(new Mismatch(`${what}: not within ${patienceMs} ms`)), patienceMs);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      // Nothing but an action that says so ends a session.
      throw error instanceof SessionEnded ? new Mismatch(`${what}: ${error.message}`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Between nothing and `ms`, as this machine counts them. */
  pause(ms: number): Promise<void> {
    return this.sleep(this.random.next() * ms * this.pace.slowness);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  async #stateGone({ status, stoppedBy }: Outcome, mayRestart: boolean): Promise<void> {
    holds(mayRestart, `the state is gone (${status} by ${stoppedBy}), and nothing was asked that takes it`);
    if (status === "killed" && stoppedBy === undefined) return;
    holds(stoppedBy === "restart" || stoppedBy === "outOfMemory", `the state is gone by ${stoppedBy}`);
    this.model.restarted();
    this.tally.restarts++;
    const start = performance.now();
    while (this.peer.restarts < this.model.restarts) {
      holds(performance.now() - start < this.pace.patienceMs, "no `restarted` after the state was gone");
      await this.sleep(5);
    }
  }

  /** Every cell counts once, in the order in which they ran. */
  #counted({ executionCount, status }: Outcome): void {
    const { executions } = this.model;
    const neverRan = status === "interrupted" || status === "killed";
    if (neverRan && executionCount === executions) return;
    same("executionCount", executionCount, executions + 1);
    this.model.executions = executionCount;
  }
}

/** Something a user does. */
export interface Action {
  readonly name: string;
  /** How often, compared with the others. */
  readonly weight: number;
  run(visit: Visit): Promise<void>;
}
