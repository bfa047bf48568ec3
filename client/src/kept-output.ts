/**
 * What is kept of a stream: all of it up to a limit, then its first and its last half-limit.
 * Bytes are copied together, so that neither many short chunks nor their messages are held.
 */
export class KeptOutput {
  readonly #head: ByteBuffer;
  readonly #tail: ByteRing;

  /** @param maxBytes kept in all */
  constructor(maxBytes: number) {
    this.#head = new ByteBuffer(Math.ceil(maxBytes / 2));
    this.#tail = new ByteRing(Math.floor(maxBytes / 2));
  }

  add(chunk: Uint8Array): void {
    const taken = this.#head.add(chunk);
    if (taken < chunk.length) this.#tail.add(chunk.subarray(taken));
  }

  /** Bytes between head and tail that were not kept. */
  get omittedBytes(): number {
    return this.#tail.droppedBytes;
  }

  /** What was kept, with a line in place of what was not. */
  text(): string {
    const tail = this.#tail.bytes();
    if (this.omittedBytes === 0) return decode([this.#head.bytes(), tail], true);
    // The cuts may fall inside a character: leave its pieces out.
    return decode([this.#head.bytes()], false) + this.#mark() + decode([tail.subarray(characterStart(tail))], true);
  }

  /** As {@link text}, undecoded. */
  chunks(): Uint8Array[] {
    const mark = this.omittedBytes === 0 ? new Uint8Array(0) : new TextEncoder().encode(this.#mark());
    return [this.#head.bytes().slice(), mark, this.#tail.bytes()].filter((chunk) => chunk.length > 0);
  }

  #mark(): string {
    return `\n[${this.omittedBytes} bytes left out]\n`;
  }
}

function decode(chunks: Uint8Array[], flush: boolean): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
  return flush ? text + decoder.decode() : text;
}

/** Offset of the first byte that does not continue a character. */
function characterStart(bytes: Uint8Array): number {
  let at = 0;
  while (at < 3 && at < bytes.length && ((bytes[at] as number) & 0xc0) === 0x80) at++;
  return at;
}

/** Bytes up to a capacity, growing as they come. */
class ByteBuffer {
  readonly #capacity: number;
  #bytes = new Uint8Array(0);
  #used = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Answers how many bytes of `chunk` had room. */
  add(chunk: Uint8Array): number {
    const taken = Math.min(chunk.length, this.#capacity - this.#used);
    if (this.#used + taken > this.#bytes.length) this.#grow(this.#used + taken);
    this.#bytes.set(chunk.subarray(0, taken), this.#used);
    this.#used += taken;
    return taken;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.min(this.#capacity, Math.max(needed, this.#bytes.length * 2, 1024)));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
  }
}

/** The last bytes of a stream. */
class ByteRing {
  readonly #capacity: number;
  /** Until the capacity is reached it only grows; from then on it is written in a circle. */
  readonly #grown: ByteBuffer;
  #start = 0;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#grown = new ByteBuffer(capacity);
  }

  get droppedBytes(): number {
    return this.#dropped;
  }

  add(chunk: Uint8Array): void {
    const rest = chunk.subarray(this.#grown.add(chunk));
    if (rest.length === 0) return;
    this.#dropped += rest.length;
    const ring = this.#grown.bytes();
    const skipped = Math.max(0, rest.length - this.#capacity);
    const last = rest.subarray(skipped);
    const at = this.#capacity === 0 ? 0 : (this.#start + skipped) % this.#capacity;
    const untilEnd = Math.min(last.length, this.#capacity - at);
    ring.set(last.subarray(0, untilEnd), at);
    ring.set(last.subarray(untilEnd), 0);
    this.#start = this.#capacity === 0 ? 0 : (at + last.length) % this.#capacity;
  }

  bytes(): Uint8Array {
    const ring = this.#grown.bytes();
    const bytes = new Uint8Array(ring.length);
    bytes.set(ring.subarray(this.#start));
    bytes.set(ring.subarray(0, this.#start), ring.length - this.#start);
    return bytes;
  }
}
