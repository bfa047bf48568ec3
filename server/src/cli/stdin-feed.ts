import type { Execution, InputRequest } from "@zeroboot/sdk";
import { ChunkReader } from "./chunk-reader.js";
import { readHiddenLine } from "./hidden-line.js";
import type { StandardStreams } from "./standard-streams.js";

/**
 * Sent before the program asks, and again each time it has read all there was, bytes: well below what
 * a server holds for a program that does not read (MAX_QUEUED_STDIN_BYTES), and enough for most.
 */
const AHEAD_BYTES = 64 * 1024;

/**
 * Passes this process's standard input on to a program, as far as the program reads it.
 *
 * A pipe or file is read ahead, because not everything that reads in the guest can ask. A terminal is
 * read only when the program asks, so that what is typed meanwhile stays the shell's.
 */
export class StdinFeed {
  readonly #streams: StandardStreams;
  readonly #reader: ChunkReader;
  readonly #isTerminal: boolean;
  #execution: Execution | undefined;
  /** Bytes that may be sent now. */
  #allowance: number;
  #hidden: InputRequest | undefined;
  #pumping = false;
  #over = false;
  readonly #released = new AbortController();

  constructor(streams: StandardStreams) {
    this.#streams = streams;
    this.#reader = new ChunkReader(streams.stdin);
    this.#isTerminal = streams.stdin.isTTY === true;
    this.#allowance = this.#isTerminal ? 0 : AHEAD_BYTES;
  }

  /** The program is on its way: it must take standard input ("open"). Once. */
  start(execution: Execution): void {
    this.#execution = execution;
    void this.#pump();
  }

  /** The program waits for input. The prompt is shown where Python would show it to who is not at a terminal. */
  requested(request: InputRequest): void {
    if (request.password && this.#isTerminal) this.#hidden = request;
    else if (request.prompt !== "") {
      (request.password ? this.#streams.stderr : this.#streams.stdout).write(request.prompt);
    }
    this.#allowance = AHEAD_BYTES;
    void this.#pump();
  }

  /** The program has ended: nothing more is read. */
  release(): void {
    this.#over = true;
    this.#released.abort();
    this.#reader.release();
  }

  async #pump(): Promise<void> {
    if (this.#pumping || this.#execution === undefined) return;
    this.#pumping = true;
    while (this.#allowance > 0 && !this.#over) {
      const chunk = await this.#next();
      if (this.#over) break;
      if (chunk === undefined) {
        this.#over = true;
        this.#execution.closeStdin();
      } else {
        this.#execution.write(chunk);
        this.#allowance = this.#isTerminal ? 0 : this.#allowance - chunk.length;
      }
    }
    this.#pumping = false;
  }

  async #next(): Promise<Uint8Array | undefined> {
    const request = this.#hidden;
    if (request === undefined) return this.#reader.read();
    this.#hidden = undefined;
    const line = await readHiddenLine(this.#streams, request.prompt, this.#released.signal);
    return line === undefined ? undefined : Buffer.from(`${line}\n`);
  }
}
