import type { CompleterResult } from "node:readline";
import { createInterface, type Interface } from "node:readline/promises";
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { InputRequest } from "@zeroboot/sdk";
import { type StandardStreams, writeAll } from "../standard-streams.js";
import type { Console } from "./console.js";
import { MAX_HISTORY_LINES } from "./history-file.js";
import { type Entry, LineQueue } from "./line-queue.js";

export interface TerminalOptions {
  /** Lines typed before, newest first. */
  readonly history: readonly string[];
  /** A line was typed that is not the answer to a program's question. */
  onHistory(line: string): void;
  /** Ctrl-C while no line is waited for. */
  onInterrupt(): void;
  /** As node:readline's `completer`. */
  complete(line: string): Promise<[string[], string]>;
}

/** An unfinished line of output that is longer than this does not stay in front of a question, characters. */
const MAX_PARTIAL_CHARS = 1000;

/**
 * A person at a terminal: line editing, history and completion by node:readline, around output that
 * may end anywhere. Keys are read all the time, so that Ctrl-C is seen while a cell runs, and what is
 * typed ahead is kept.
 */
export class Terminal implements Console {
  readonly #streams: StandardStreams;
  readonly #options: TerminalOptions;
  readonly #queue = new LineQueue();
  readonly #echo: Echo;
  readonly #decoder = new StringDecoder("utf8");
  #readline: Interface;
  #history: string[];
  /** Output since the last line's end. */
  #partial = "";
  /** Who is waited for: a line of a cell, or an answer to the running cell. */
  #awaiting: "cell" | "answer" | undefined;
  #closed = false;

  constructor(streams: StandardStreams, options: TerminalOptions) {
    this.#streams = streams;
    this.#options = options;
    this.#history = [...options.history];
    this.#echo = new Echo(streams.stdout);
    this.#readline = this.#open();
  }

  async next(prompt: string): Promise<Entry> {
    if (this.#queue.isEmpty) {
      this.#finishLine();
      this.#prompt(prompt);
    }
    return this.#await("cell");
  }

  peek(): Promise<string | undefined> {
    return this.#queue.peek();
  }

  async ask({ prompt, password }: InputRequest): Promise<string | undefined> {
    this.#echo.muted = password;
    if (password || !this.#queue.isEmpty) await this.write(prompt, "stdout");
    else {
      // readline draws the whole line anew: what the program has written of it belongs to the prompt.
      this.#prompt(this.#partial + prompt);
      this.#partial = "";
    }
    const entry = await this.#await("answer");
    if (this.#echo.muted) {
      this.#echo.muted = false;
      await this.write("\n", "stdout");
    }
    return entry.kind === "line" ? entry.text : undefined;
  }

  cancel(): void {
    if (this.#awaiting === "answer") this.#queue.cancel();
  }

  end(): void {
    this.#queue.push({ kind: "end" });
  }

  write(data: Uint8Array | string, stream: "stdout" | "stderr"): Promise<void> {
    const text = typeof data === "string" ? data : this.#decoder.write(Buffer.from(data));
    const lineEnd = text.lastIndexOf("\n");
    const partial = lineEnd < 0 ? this.#partial + text : text.slice(lineEnd + 1);
    this.#partial = partial.slice(-MAX_PARTIAL_CHARS);
    return writeAll(this.#streams[stream], data);
  }

  notice(text: string): void {
    if (this.#awaiting !== undefined) this.#streams.stderr.write("\r\x1b[K");
    else this.#finishLine();
    this.#streams.stderr.write(`${text}\n`);
    if (this.#awaiting !== undefined) this.#readline.prompt(true);
  }

  close(): void {
    this.#closed = true;
    this.#readline.close();
  }

  #open(): Interface {
    const readline = createInterface({
      input: this.#streams.stdin,
      output: this.#echo,
      terminal: true,
      // Its own copy: it changes the list it is given.
      history: [...this.#history],
      historySize: MAX_HISTORY_LINES,
      // No cell runs while a cell's line is waited for, so that the guest can answer.
      completer: (line: string): CompleterResult | Promise<CompleterResult> =>
        this.#awaiting === "cell" ? this.#options.complete(line) : [[], line],
    });
    readline.on("line", (text) => this.#typed(text));
    readline.on("history", (history) => this.#remember(history));
    readline.on("SIGINT", () => this.#interrupted());
    readline.on("close", () => this.#ended());
    return readline;
  }

  async #await(who: "cell" | "answer"): Promise<Entry> {
    this.#awaiting = who;
    try {
      return await this.#queue.take();
    } finally {
      this.#awaiting = undefined;
      this.#readline.setPrompt("");
    }
  }

  #prompt(prompt: string): void {
    this.#readline.setPrompt(prompt);
    // What was typed ahead of it stays.
    this.#readline.prompt(true);
  }

  #finishLine(): void {
    if (this.#partial === "") return;
    this.#streams.stdout.write("\n");
    this.#partial = "";
  }

  #typed(text: string): void {
    this.#partial = "";
    this.#queue.push({ kind: "line", text });
  }

  /** Answers to programs are no history. `history` is readline's own list. */
  #remember(history: string[]): void {
    const [line] = history;
    if (this.#awaiting === "cell" && line !== undefined) {
      // readline tells of a line that is the one before once more, too, and does not keep it.
      if (line !== this.#history[0]) this.#options.onHistory(line);
      this.#history = [...history];
    } else {
      history.splice(0, history.length, ...this.#history);
    }
  }

  #interrupted(): void {
    this.#clearLine();
    this.#streams.stdout.write("^C\n");
    this.#partial = "";
    if (this.#awaiting === "cell") this.#queue.interrupt();
    else {
      // What was typed ahead was not meant for what follows an interrupt.
      if (this.#awaiting === undefined) this.#queue.interrupt();
      this.#options.onInterrupt();
    }
  }

  #clearLine(): void {
    const muted = this.#echo.muted;
    this.#echo.muted = true;
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#echo.muted = muted;
  }

  /** Ctrl-D closes readline; here it ends what is being read, which may be an answer and not the REPL. */
  #ended(): void {
    if (this.#closed) return;
    this.#streams.stdout.write("\n");
    this.#partial = "";
    this.#readline = this.#open();
    this.#queue.push({ kind: "end" });
  }
}

/** What readline shows, unless it must not be seen. */
class Echo extends Writable {
  muted = false;
  readonly #terminal: StandardStreams["stdout"];

  constructor(terminal: StandardStreams["stdout"]) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    terminal.on("resize", () => this.emit("resize"));
  }

  get columns(): number | undefined {
    return "columns" in this.#terminal ? Number(this.#terminal.columns) : undefined;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    if (!this.muted) this.#terminal.write(chunk);
    done();
  }
}
