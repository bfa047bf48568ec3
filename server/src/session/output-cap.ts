/** Kept of what each stream wrote beyond its cell's cap, bytes: the end of it. */
export const OUTPUT_TAIL_BYTES = 32 * 1024;

export type Stream = "stdout" | "stderr";

/** Bytes to be sent in a stream. */
export interface StreamPiece {
  readonly stream: Stream;
  readonly data: Uint8Array;
}

/**
 * Bounds what one cell may have sent: the beginning of its output goes out as it comes, then only
 * the last bytes of each stream are kept, to be sent when the cell ends, behind a mark that says
 * how many were left out.
 */
export class OutputCap {
  #headLeft: number;
  readonly #tails: Readonly<Record<Stream, Tail>> = { stdout: new Tail(), stderr: new Tail() };
  #rest: StreamPiece[] | undefined;

  /** @param maxBytes of both streams together, sent as they come */
  constructor(maxBytes: number) {
    this.#headLeft = maxBytes;
  }

  /** Bytes that may still be sent as they come; 0: {@link keep} them. */
  get headLeft(): number {
    return this.#headLeft;
  }

  /** This many bytes were sent as they came. */
  sent(bytes: number): void {
    this.#headLeft -= bytes;
  }

  /** Take output that is beyond the cap. */
  keep(stream: Stream, data: Uint8Array): void {
    this.#tails[stream].add(data);
  }

  /** Bytes that are lost. */
  get omittedBytes(): number {
    return this.#tails.stdout.omittedBytes + this.#tails.stderr.omittedBytes;
  }

  /** The next piece to be sent now that the cell has ended, or undefined. */
  peekRest(): StreamPiece | undefined {
    this.#rest ??= (["stdout", "stderr"] as const)
      .map((stream) => ({ stream, data: this.#tails[stream].take() }))
      .filter(({ data }) => data.length > 0);
    return this.#rest[0];
  }

  /** The first bytes of {@link peekRest} were sent. */
  takeRest(bytes: number): void {
    const piece = this.#rest?.shift();
    if (piece === undefined || bytes === piece.data.length) return;
    this.#rest?.unshift({ stream: piece.stream, data: piece.data.subarray(bytes) });
  }
}

/** The last bytes of a stream, in a ring that is made when it is needed. */
class Tail {
  #ring: Uint8Array | undefined;
  #written = 0;

  get omittedBytes(): number {
    return Math.max(0, this.#written - OUTPUT_TAIL_BYTES);
  }

  add(data: Uint8Array): void {
    if (data.length === 0) return;
    this.#ring ??= new Uint8Array(OUTPUT_TAIL_BYTES);
    const last = data.subarray(Math.max(0, data.length - OUTPUT_TAIL_BYTES));
    const at = (this.#written + data.length - last.length) % OUTPUT_TAIL_BYTES;
    const untilEnd = Math.min(last.length, OUTPUT_TAIL_BYTES - at);
    this.#ring.set(last.subarray(0, untilEnd), at);
    this.#ring.set(last.subarray(untilEnd), 0);
    this.#written += data.length;
  }

  /** The mark, where bytes are missing, and what was kept, from the beginning of a character. */
  take(): Uint8Array {
    if (this.#ring === undefined) return new Uint8Array(0);
    if (this.omittedBytes === 0) return this.#ring.subarray(0, this.#written);
    const at = this.#written % OUTPUT_TAIL_BYTES;
    const kept = Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
    const start = characterStart(kept);
    return Buffer.concat([Buffer.from(`\n[${this.omittedBytes + start} bytes left out]\n`), kept.subarray(start)]);
  }
}

/** Offset of the first byte that does not continue a character. */
function characterStart(bytes: Uint8Array): number {
  let at = 0;
  while (at < 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++;
  return at;
}
