import { Mismatch } from "./mismatch.js";
import { OutputRecord, type StreamName } from "./output-record.js";
import type { Cell, CellOptions, Outcome } from "./peer.js";
import type { RawFrame } from "./raw-peer.js";

/** Between two returns of credit by a slow reader, milliseconds. */
const SLOW_READER_PAUSE_MS = 10;
/** From when on a stalled reader does not even read its socket, bytes. */
const STALLED_SOCKET_BYTES = 64 * 1024;

/** What a cell needs of its connection. */
export interface RawConnection {
  send(frame: Record<string, unknown>): void;
  /** Stop and go on reading the socket. */
  pause(): void;
  resume(): void;
}

/** One execution on the wire: its frames in their order, or a {@link Mismatch}. */
export class RawCell implements Cell {
  readonly id: string;
  readonly output = new OutputRecord();
  readonly outcome: Promise<Outcome>;
  readonly #connection: RawConnection;
  readonly #options: CellOptions;
  readonly #answers: string[];
  readonly #prompts: string[] = [];
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: Error) => void;
  #started = false;
  #result: string | undefined;
  #error: Outcome["error"];
  #stalled: boolean;
  /** It does not read its socket either; not once it has interrupted the cell, to see what becomes of it. */
  #mayPause: boolean;
  /** Credit a slow or stalled reader has not returned yet, bytes. */
  #owed = 0;
  #pause: NodeJS.Timeout | undefined;

  constructor(id: string, options: CellOptions, connection: RawConnection) {
    this.id = id;
    this.#options = options;
    this.#connection = connection;
    this.#answers = [...(options.answers ?? [])];
    this.#stalled = options.reader === "stalled";
    this.#mayPause = options.timeoutMs === undefined;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.outcome.catch(() => {});
  }

  interrupt(after?: "kill"): void {
    this.#connection.send({ type: "interrupt", id: this.id, ...(after === undefined ? {} : { after }) });
    this.#mayPause = false;
    if (this.#stalled) this.#connection.resume();
  }

  write(text: string): void {
    this.#connection.send({ type: "stdin", id: this.id, data: Buffer.from(text) });
  }

  closeInput(): void {
    this.#connection.send({ type: "stdin", id: this.id, data: Buffer.alloc(0), eof: true });
  }

  readOn(): void {
    this.#stalled = false;
    this.#connection.resume();
    this.#payBack();
  }

  receiveOutput(stream: StreamName, data: Uint8Array): void {
    if (!this.#started) throw new Mismatch(`output of ${this.id} before started`);
    if (data.length === 0) throw new Mismatch(`output of ${this.id} without a byte`);
    this.output.add(stream, data);
    this.#owed += data.length;
    if (this.#stalled) {
      if (this.output.bytes > STALLED_SOCKET_BYTES && this.#mayPause) this.#connection.pause();
    } else if (this.#options.reader === "slow") {
      this.#pause ??= setTimeout(() => this.#payBack(), SLOW_READER_PAUSE_MS);
    } else this.#payBack();
  }

  /** @returns the frame's cost in credit, bytes */
  receive(frame: RawFrame): number {
    if (frame.type === "started") {
      if (this.#started) throw new Mismatch(`${this.id} started twice`);
      this.#started = true;
      return 0;
    }
    switch (frame.type) {
      case "result":
        return this.#receiveResult(frame);
      case "error":
        return this.#receiveError(frame);
      case "inputRequest":
        this.#answer(String(frame.prompt));
        return 0;
      case "done":
        this.#done(frame);
        return 0;
      default:
        throw new Mismatch(`a frame of unknown type ${frame.type}`);
    }
  }

  fail(error: Error): void {
    clearTimeout(this.#pause);
    this.#reject(error);
    this.output.wake();
  }

  #receiveResult(frame: RawFrame): number {
    if (this.#result !== undefined) throw new Mismatch(`two results of ${this.id}`);
    const bundle = frame.bundle as Record<string, string | Uint8Array>;
    this.#result = bundle["text/plain"]?.toString();
    return Object.values(bundle).reduce((sum, value) => sum + Buffer.from(value as string).length, 0);
  }

  #receiveError(frame: RawFrame): number {
    if (this.#error !== undefined) throw new Mismatch(`two errors of ${this.id}`);
    const { name, message, traceback } = frame as unknown as Record<"name" | "message" | "traceback", string>;
    this.#error = { name, message };
    return Buffer.byteLength(name) + Buffer.byteLength(message) + Buffer.byteLength(traceback);
  }

  #answer(prompt: string): void {
    this.#prompts.push(prompt);
    if (this.#options.answers === undefined) return;
    const line = this.#answers.shift();
    if (line === undefined) this.closeInput();
    else this.write(`${line}\n`);
  }

  #done(frame: RawFrame): void {
    clearTimeout(this.#pause);
    this.#stalled = false;
    this.#connection.resume();
    this.#payBack();
    this.#resolve({
      status: String(frame.status),
      exitCode: Number(frame.exitCode),
      result: this.#result,
      error: this.#error,
      executionCount: Number(frame.executionCount),
      truncated: frame.truncated === true,
      stateKept: frame.stateKept === true,
      stoppedBy: frame.stoppedBy as string | undefined,
      prompts: this.#prompts,
    });
    this.output.wake();
  }

  #payBack(): void {
    this.#pause = undefined;
    if (this.#owed > 0) this.#connection.send({ type: "credit", bytes: this.#owed });
    this.#owed = 0;
  }
}
