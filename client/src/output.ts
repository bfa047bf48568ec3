import { KeptOutput } from "./kept-output.js";

/**
 * One output stream of an execution, as it comes: `for await (const text of execution.stdout)`.
 *
 * One iteration per stream. It begins with what was kept of earlier output, ends with the
 * execution, and throws the execution's error if it has one. While it lasts, output it has not
 * reached holds the guest back: read both streams side by side if you read both.
 */
export interface OutputStream extends AsyncIterable<string> {
  /** The same as bytes, exactly as the guest wrote them. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** What an {@link OutputBuffer} tells its execution. */
export interface OutputOwner {
  /** This many bytes need not be held for anybody any more. */
  consumed(bytes: number): void;
  /** Text for the program's callback. */
  text(text: string): void;
}

type Waiter = { resolve: (result: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void };

/** The receiving end of an {@link OutputStream}. */
export class OutputBuffer {
  readonly #owner: OutputOwner;
  readonly #kept: KeptOutput;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #queue: { chunk: Uint8Array; cost: number }[] = [];
  #iterated = false;
  #attached = false;
  #waiter: Waiter | undefined;
  #end: { error: unknown } | undefined;

  constructor(owner: OutputOwner, maxKeptBytes: number) {
    this.#owner = owner;
    this.#kept = new KeptOutput(maxKeptBytes);
  }

  /** The public face. */
  readonly stream: OutputStream = {
    [Symbol.asyncIterator]: () => decodeChunks(this.#iterate()),
    bytes: () => ({ [Symbol.asyncIterator]: () => this.#iterate() }),
  };

  /** @param cost bytes of credit that it took */
  push(chunk: Uint8Array, cost: number = chunk.length): void {
    if (this.#end !== undefined) return this.#owner.consumed(cost);
    this.#kept.add(chunk);
    if (this.#attached) this.#offer(chunk, cost);
    else this.#owner.consumed(cost);
    this.#tell(this.#decoder.decode(chunk, { stream: true }));
  }

  /** Nothing follows; whoever iterates is told, with the error if there is one. Idempotent. */
  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (error === undefined) this.#tell(this.#decoder.decode());
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (error === undefined) waiter?.resolve({ done: true, value: undefined });
    else waiter?.reject(error);
  }

  /** What was kept. */
  text(): string {
    return this.#kept.text();
  }

  get truncated(): boolean {
    return this.#kept.omittedBytes > 0;
  }

  #tell(text: string): void {
    if (text !== "") this.#owner.text(text);
  }

  #offer(chunk: Uint8Array, cost: number): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#queue.push({ chunk, cost });
    else {
      waiter.resolve({ done: false, value: chunk });
      this.#owner.consumed(cost);
    }
  }

  #iterate(): AsyncIterableIterator<Uint8Array> {
    if (this.#iterated) throw new TypeError("an output stream can be iterated only once");
    this.#iterated = true;
    this.#attached = this.#end === undefined;
    // Kept output was paid for when it came.
    for (const chunk of this.#kept.chunks()) this.#queue.push({ chunk, cost: 0 });
    const iterator: AsyncIterableIterator<Uint8Array> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => this.#next(),
      return: () => this.#detach(),
    };
    return iterator;
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#owner.consumed(queued.cost);
      return Promise.resolve({ done: false, value: queued.chunk });
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined || !this.#attached) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiter !== undefined) return Promise.reject(new TypeError("next() was called while one is pending"));
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #detach(): Promise<IteratorResult<Uint8Array>> {
    this.#attached = false;
    for (const { cost } of this.#queue.splice(0)) this.#owner.consumed(cost);
    this.#waiter?.resolve({ done: true, value: undefined });
    this.#waiter = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }
}

async function* decodeChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== "") yield text;
  }
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}
