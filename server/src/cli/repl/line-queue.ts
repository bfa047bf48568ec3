/** What a REPL reads: a line without its end, the end of input, or Ctrl-C at the prompt. */
export type Entry =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "end" }
  | { readonly kind: "interrupt" };

/** Where a REPL's lines come from. */
export interface LineSource {
  /** What comes next. Whoever types is shown `prompt`, unless it is there already. One call at a time. */
  next(prompt: string): Promise<Entry>;
  /** The line behind the one just read, if it came along with it as in a paste or a file; it stays where it is. */
  peek(): Promise<string | undefined>;
}

/** Lines that come in one piece come within this time, milliseconds: nobody types so fast. */
const TOGETHER_MS = 10;

/** Entries that wait to be read. One reader. */
export class LineQueue {
  readonly #entries: Entry[] = [];
  #taker: ((entry: Entry) => void) | undefined;
  #peeker: (() => void) | undefined;

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  push(entry: Entry): void {
    const taker = this.#taker;
    this.#taker = undefined;
    if (taker !== undefined) return taker(entry);
    this.#entries.push(entry);
    this.#peeker?.();
  }

  /** Ctrl-C: what was typed ahead is void, and so is the line that is waited for. */
  interrupt(): void {
    this.#entries.length = 0;
    this.#peeker?.();
    this.cancel();
  }

  /** Whoever waits does so no more. */
  cancel(): void {
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.({ kind: "interrupt" });
  }

  take(): Promise<Entry> {
    const first = this.#entries.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve) => {
      this.#taker = resolve;
    });
  }

  /** As {@link LineSource.peek}. */
  async peek(): Promise<string | undefined> {
    if (this.isEmpty) await this.#pushed();
    const first = this.#entries[0];
    return first?.kind === "line" ? first.text : undefined;
  }

  #pushed(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#peeker = undefined;
        resolve();
      };
      const timer = setTimeout(settle, TOGETHER_MS);
      this.#peeker = settle;
    });
  }
}
