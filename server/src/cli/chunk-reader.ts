import type { Readable } from "node:stream";

/**
 * Reads a stream a chunk at a time, and only while it is asked to: between reads nothing is taken
 * from a terminal that this process shares with others.
 */
export class ChunkReader {
  readonly #stream: Readable;
  #settle: ((chunk: Uint8Array | undefined) => void) | undefined;
  #ended = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    // Between reads too: a terminal that is hung up is at its end.
    stream.on("error", () => {
      this.#ended = true;
    });
  }

  /** The next chunk, or undefined at the end; a stream that cannot be read is at its end. One call at a time. */
  read(): Promise<Uint8Array | undefined> {
    const stream = this.#stream;
    if (this.#ended || stream.readableEnded || stream.destroyed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const onData = (chunk: Uint8Array | string) => settle(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      const onEnd = () => {
        this.#ended = true;
        settle(undefined);
      };
      const settle = (chunk: Uint8Array | undefined) => {
        stream.off("data", onData).off("end", onEnd).off("error", onEnd).off("close", onEnd);
        stream.pause();
        this.#settle = undefined;
        resolve(chunk);
      };
      this.#settle = settle;
      stream.on("data", onData).on("end", onEnd).on("error", onEnd).on("close", onEnd);
      stream.resume();
    });
  }

  /** End of interest: a read under way answers undefined, and nothing more is read. */
  release(): void {
    this.#ended = true;
    this.#settle?.(undefined);
  }
}
