import { KeyTable } from "./key-table.js";
import { MAX_ARRAY_ENTRIES, MAX_DEPTH, MAX_KEY_BYTES, MAX_MAP_ENTRIES, MAX_VALUES } from "./limits.js";
import { findInvalidUtf8 } from "./utf8.js";

/** Why {@link prescan} refuses a message. */
export type PrescanReason =
  | "truncated" // a value or length reaches past the end
  | "trailing_bytes" // something follows the map
  | "not_a_map" // the outermost value is not a map
  | "too_deep" // more than MAX_DEPTH containers within each other
  | "map_too_large" // more than MAX_MAP_ENTRIES entries
  | "array_too_large" // more than MAX_ARRAY_ENTRIES elements
  | "too_many_values" // more than MAX_VALUES values
  | "key_not_string" // a map's key is no string
  | "key_too_long" // a key of more than MAX_KEY_BYTES bytes
  | "duplicate_key" // a key twice in one map
  | "extension_type" // any msgpack extension, timestamps included
  | "invalid_byte" // 0xc1, which msgpack never uses
  | "invalid_utf8"; // a string that is not UTF-8

/** The message is not what this protocol allows. `offset` is that of the offending byte. */
export class PrescanError extends Error {
  override readonly name = "PrescanError";
  readonly reason: PrescanReason;
  readonly offset: number;

  constructor(reason: PrescanReason, offset: number) {
    super(`${reason} at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** Bytes after the head, by head: nil, booleans, floats, integers. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  192: 0,
  194: 0,
  195: 0,
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
};

/**
 * Check a msgpack message before a decoder sees it: exactly one map, bounded in every dimension,
 * of plain types only. One pass without recursion, so that hostile nesting costs nothing, and
 * decoders, which build RegExp, Date or BigInt from extensions, can be trusted with what is left.
 * @throws PrescanError
 */
export function prescan(message: Uint8Array): void {
  new Prescan(message).run();
}

class Prescan {
  readonly #bytes: Uint8Array;
  #at = 0;
  #values = 0;
  #depth = 0;
  /** Per open container: entries not yet read, and its keys so far if it is a map. */
  readonly #left = new Uint16Array(MAX_DEPTH);
  readonly #keys: (KeyTable | undefined)[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  run(): void {
    this.#value();
    if (this.#depth === 0) throw new PrescanError("not_a_map", 0);
    if (this.#keys[0] === undefined) throw new PrescanError("not_a_map", 0);
    while (this.#depth > 0) {
      const top = this.#depth - 1;
      const left = this.#left[top] as number;
      if (left === 0) {
        this.#depth--;
        continue;
      }
      this.#left[top] = left - 1;
      const keys = this.#keys[top];
      if (keys !== undefined) this.#key(keys);
      this.#value();
    }
    if (this.#at !== this.#bytes.length) throw new PrescanError("trailing_bytes", this.#at);
  }

  /** Step over one value, or into it if it is a container. */
  #value(): void {
    const start = this.#at;
    if (++this.#values > MAX_VALUES) throw new PrescanError("too_many_values", start);
    const head = this.#uint(1);
    if (head >= 0xc0 && head <= 0xdf) this.#typed(head, start);
    else if (head >= 0x80 && head <= 0x8f) this.#openMap(head & 0x0f, start);
    else if (head >= 0x90 && head <= 0x9f) this.#openArray(head & 0x0f, start);
    else if (head >= 0xa0 && head <= 0xbf) this.#text(head & 0x1f);
    // What is left is a fixint, which is its head.
  }

  /** A value whose head is a type of its own. */
  #typed(head: number, start: number): void {
    const scalar = SCALAR_BYTES[head];
    if (scalar !== undefined) this.#skip(scalar);
    else if (head >= 0xc4 && head <= 0xc6) this.#skip(this.#length(head - 0xc4));
    else if (head >= 0xd9 && head <= 0xdb) this.#text(this.#length(head - 0xd9));
    else if (head === 0xdc || head === 0xdd) this.#openArray(this.#length(head - 0xdb), start);
    else if (head === 0xde || head === 0xdf) this.#openMap(this.#length(head - 0xdd), start);
    else throw new PrescanError(head === 0xc1 ? "invalid_byte" : "extension_type", start);
  }

  #key(keys: KeyTable): void {
    const start = this.#at;
    const length = this.#keyLength(start);
    if (length > MAX_KEY_BYTES) throw new PrescanError("key_too_long", start);
    const from = this.#at;
    this.#text(length);
    if (!keys.add(from, length)) throw new PrescanError("duplicate_key", start);
  }

  #keyLength(start: number): number {
    const head = this.#uint(1);
    if (head >= 0xa0 && head <= 0xbf) return head & 0x1f;
    if (head >= 0xd9 && head <= 0xdb) return this.#length(head - 0xd9);
    throw new PrescanError("key_not_string", start);
  }

  #openMap(entries: number, start: number): void {
    if (entries > MAX_MAP_ENTRIES) throw new PrescanError("map_too_large", start);
    this.#open(entries, start, new KeyTable(this.#bytes, entries));
  }

  #openArray(entries: number, start: number): void {
    if (entries > MAX_ARRAY_ENTRIES) throw new PrescanError("array_too_large", start);
    this.#open(entries, start, undefined);
  }

  #open(entries: number, start: number, keys: KeyTable | undefined): void {
    if (this.#depth === MAX_DEPTH) throw new PrescanError("too_deep", start);
    this.#left[this.#depth] = entries;
    this.#keys[this.#depth] = keys;
    this.#depth++;
  }

  #text(length: number): void {
    const start = this.#at;
    this.#skip(length);
    const invalid = findInvalidUtf8(this.#bytes, start, this.#at);
    if (invalid >= 0) throw new PrescanError("invalid_utf8", invalid);
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new PrescanError("truncated", this.#at);
    this.#at += length;
  }

  /** A length field of 8 (width 0), 16 (1) or 32 bits (2). */
  #length(width: number): number {
    return this.#uint(1 << width);
  }

  /** Big-endian. */
  #uint(size: number): number {
    const start = this.#at;
    this.#skip(size);
    let value = 0;
    for (let at = start; at < this.#at; at++) value = value * 256 + (this.#bytes[at] as number);
    return value;
  }
}
