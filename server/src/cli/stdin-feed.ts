import type { Execution, InputRequest } from "@zeroboot/sdk";
import { ChunkReader } from "./chunk-reader.js";
import { readHiddenLine } from "./hidden-line.js";
import type { StandardStreams } from "./standard-streams.js";

/**
 * Passes this process's standard input on to a program.
 *
 * A pipe or file is read ahead as far as the server takes it, because not everything in the guest that
 * reads asks for it. A terminal is read only when the program asks, so that what is typed meanwhile
 * stays the shell's.
 */
export class StdinFeed {
  readonly #streams: StandardStreams;
  readonly #reader: ChunkReader;
  readonly #isTerminal: boolean;
  readonly #released = new AbortController();
  #execution: Execution | undefined;
  /** A terminal's line is being read. */
  #isReading = false;

  constructor(streams: StandardStreams) {
    this.#streams = streams;
    this.#reader = new ChunkReader(streams.stdin);
    this.#isTerminal = streams.stdin.isTTY === true;
  }

  /** The program is on its way: it must take standard input ("open"). Once. */
  start(execution: Execution): void {
    this.#execution = execution;
    if (!this.#isTerminal) void this.#passAll(execution);
  }

  /** The program waits for input. Where the prompt goes is as with Python's own when it reads from a pipe. */
  requested({ prompt, password }: InputRequest): void {
    const isHidden = password && this.#isTerminal;
    if (prompt !== "") (password ? this.#streams.stderr : this.#streams.stdout).write(prompt);
    if (this.#isTerminal && this.#execution !== undefined) void this.#passLine(this.#execution, isHidden);
  }

  /** The program has ended: nothing more is read. */
  release(): void {
    this.#released.abort();
    this.#reader.release();
  }

  async #passAll(execution: Execution): Promise<void> {
    while (this.#pass(execution, await this.#reader.read())) await execution.drained();
  }

  async #passLine(execution: Execution, isHidden: boolean): Promise<void> {
    // Asked once more while nothing came: after an interrupt, say.
    if (this.#isReading) return;
    this.#isReading = true;
    this.#pass(execution, await (isHidden ? this.#hiddenLine() : this.#reader.read()));
    this.#isReading = false;
  }

  /** Answers whether more may follow. */
  #pass(execution: Execution, data: Uint8Array | undefined): boolean {
    if (this.#released.signal.aborted) return false;
    if (data === undefined) execution.closeStdin();
    else execution.write(data);
    return data !== undefined;
  }

  async #hiddenLine(): Promise<Uint8Array | undefined> {
    const line = await readHiddenLine(this.#streams, this.#released.signal);
    return line === undefined ? undefined : Buffer.from(`${line}\n`);
  }
}
