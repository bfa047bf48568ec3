import { createHash } from "node:crypto";

export type StreamName = "stdout" | "stderr";

/** As much of a cell's output is kept as text; all of it counts for the digests. Bytes. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** The output of one cell as it arrived: both streams, in order. */
export class OutputRecord {
  readonly #hashes = { stdout: createHash("sha256"), stderr: createHash("sha256") };
  readonly #pieces: { stream: StreamName; bytes: Uint8Array }[] = [];
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;

  add(stream: StreamName, bytes: Uint8Array): void {
    this.#hashes[stream].update(bytes);
    if (this.#bytes <= MAX_KEPT_BYTES) this.#pieces.push({ stream, bytes });
    this.#bytes += bytes.length;
    this.wake();
  }

  /** Of both streams. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What one stream said, for output of less than a mebibyte. */
  text(stream: StreamName): string {
    return Buffer.concat(this.#pieces.filter((piece) => piece.stream === stream).map(({ bytes }) => bytes)).toString();
  }

  /** Both streams as they alternated: `o` or `e`, then what was said in one go. */
  inOrder(): string[] {
    const turns: { stream: StreamName; parts: Uint8Array[] }[] = [];
    for (const { stream, bytes } of this.#pieces) {
      const last = turns.at(-1);
      if (last?.stream === stream) last.parts.push(bytes);
      else turns.push({ stream, parts: [bytes] });
    }
    return turns.map(({ stream, parts }) => `${stream === "stdout" ? "o" : "e"}${Buffer.concat(parts)}`);
  }

  sha256(stream: StreamName): string {
    return this.#hashes[stream].copy().digest("hex");
  }

  /** Resolves with the first byte, or when there will be none ({@link wake}). */
  begun(): Promise<void> {
    if (this.#bytes > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
