import { createInterface, type Interface } from "node:readline";
import type { InputRequest } from "@zeroboot/sdk";
import { type StandardStreams, writeAll } from "../standard-streams.js";
import type { Console } from "./console.js";
import { type Entry, LineQueue } from "./line-queue.js";

/** A pipe or file in place of a person: no prompts of ours, and what cells ask for is read from it too. */
export class PipedConsole implements Console {
  readonly #streams: StandardStreams;
  readonly #queue = new LineQueue();
  readonly #readline: Interface;

  constructor(streams: StandardStreams) {
    this.#streams = streams;
    this.#readline = createInterface({ input: streams.stdin, crlfDelay: Number.POSITIVE_INFINITY, terminal: false });
    this.#readline.on("line", (text) => this.#queue.push({ kind: "line", text }));
    this.#readline.on("close", () => this.end());
    streams.stdin.on("error", () => this.#readline.close());
  }

  next(): Promise<Entry> {
    return this.#queue.take();
  }

  peek(): Promise<string | undefined> {
    return this.#queue.peek();
  }

  write(data: Uint8Array | string, stream: "stdout" | "stderr"): Promise<void> {
    return writeAll(this.#streams[stream], data);
  }

  async ask({ prompt, password }: InputRequest): Promise<string | undefined> {
    await this.write(prompt, password ? "stderr" : "stdout");
    const entry = await this.#queue.take();
    // The end is there for who reads cells, too.
    if (entry.kind === "end") this.end();
    return entry.kind === "line" ? entry.text : undefined;
  }

  cancel(): void {
    this.#queue.cancel();
  }

  notice(text: string): void {
    this.#streams.stderr.write(`${text}\n`);
  }

  end(): void {
    this.#queue.push({ kind: "end" });
  }

  close(): void {
    this.#readline.close();
  }
}
