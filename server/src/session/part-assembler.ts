import { ByteBuffer } from "./byte-buffer.js";

/** `ZB_PART_*` of native/src/devices/link_abi.h: the flags of a record that is one part of a whole. */
const PART_INDEX_MASK = 0x3f;
const PART_LAST_OF_BUNDLE = 0x40;
const PART_MORE = 0x80;

/** The parts do not follow each other as link_abi.h says: a violation by the guest. */
export class PartOrderError extends Error {
  override readonly name = "PartOrderError";
}

/** What the guest sent, put together: bytes by part index. */
export interface Assembled {
  readonly parts: ReadonlyMap<number, Uint8Array>;
  /** Payload bytes kept. */
  readonly bytes: number;
  /** Bytes over the cap were dropped. */
  readonly truncated: boolean;
  /** The parts they were of. */
  readonly cut: ReadonlySet<number>;
}

interface OpenPart {
  readonly index: number;
  readonly data: ByteBuffer;
}

/**
 * Puts a result, display or error together from its records: every part is one field (a MIME
 * type's data, an error's name) in one or more records, and the whole is bounded.
 */
export class PartAssembler {
  readonly #maxBytes: number;
  readonly #maxParts: number;
  #done = new Map<number, Uint8Array>();
  #open: OpenPart | undefined;
  #bytes = 0;
  #cut = new Set<number>();

  /**
   * @param maxParts indices from 0 that have a meaning
   * @param maxBytes kept over all parts; the rest is dropped and the whole marked truncated
   */
  constructor(maxParts: number, maxBytes: number) {
    this.#maxParts = maxParts;
    this.#maxBytes = maxBytes;
  }

  /**
   * Add one record. Answers the whole with the record that completes it, and begins anew.
   * @throws PartOrderError on an unknown index, an index twice, or a part left unfinished
   */
  add(flags: number, payload: Uint8Array): Assembled | undefined {
    const index = flags & PART_INDEX_MASK;
    const part = this.#open ?? this.#begin(index);
    if (part.index !== index) throw new PartOrderError(`part ${index} inside part ${part.index}`);
    this.#keep(part, payload);
    const more = (flags & PART_MORE) !== 0;
    const last = (flags & PART_LAST_OF_BUNDLE) !== 0;
    if (more && last) throw new PartOrderError("the last record announces more");
    if (more) return undefined;
    this.#done.set(index, part.data.bytes);
    this.#open = undefined;
    return last ? this.#finish() : undefined;
  }

  /** Whether a whole was begun and not completed. */
  get pending(): boolean {
    return this.#open !== undefined || this.#done.size > 0;
  }

  #begin(index: number): OpenPart {
    if (index >= this.#maxParts) throw new PartOrderError(`unknown part ${index}`);
    if (this.#done.has(index)) throw new PartOrderError(`part ${index} twice`);
    this.#open = { index, data: new ByteBuffer() };
    return this.#open;
  }

  #keep(part: OpenPart, payload: Uint8Array): void {
    const room = this.#maxBytes - this.#bytes;
    const kept = payload.length > room ? payload.subarray(0, room) : payload;
    if (kept.length < payload.length) this.#cut.add(part.index);
    this.#bytes += kept.length;
    part.data.add(kept);
  }

  #finish(): Assembled {
    const whole = { parts: this.#done, bytes: this.#bytes, truncated: this.#cut.size > 0, cut: this.#cut };
    this.#done = new Map();
    this.#bytes = 0;
    this.#cut = new Set();
    return whole;
  }
}
