/** Seed of the keys' hashes, new in each process: nobody can prepare keys that collide. */
const SEED = (Math.random() * 0x1_0000_0000) >>> 0;

/**
 * The keys of one map of a message, to find one that comes twice. Keys stay where they are in
 * the message; what is kept is their place and a hash that makes comparing bytes the exception.
 */
export class KeyTable {
  readonly #message: Uint8Array;
  /** Three numbers a key: hash, offset, length. */
  readonly #keys: Uint32Array;
  #used = 0;

  /** @param capacity keys that will be added at most */
  constructor(message: Uint8Array, capacity: number) {
    this.#message = message;
    this.#keys = new Uint32Array(capacity * 3);
  }

  /** Remember the key at `offset`. Answers false, and forgets it, if the map has it already. */
  add(offset: number, length: number): boolean {
    const hash = this.#hash(offset, length);
    const keys = this.#keys;
    for (let at = 0; at < this.#used; at += 3) {
      if (keys[at] === hash && keys[at + 2] === length && this.#same(keys[at + 1] as number, offset, length))
        return false;
    }
    keys[this.#used] = hash;
    keys[this.#used + 1] = offset;
    keys[this.#used + 2] = length;
    this.#used += 3;
    return true;
  }

  /** FNV-1a from a secret start. */
  #hash(offset: number, length: number): number {
    let hash = SEED;
    for (let at = offset; at < offset + length; at++) {
      hash = Math.imul(hash ^ (this.#message[at] as number), 0x0100_0193);
    }
    return hash >>> 0;
  }

  #same(a: number, b: number, length: number): boolean {
    for (let at = 0; at < length; at++) {
      if (this.#message[a + at] !== this.#message[b + at]) return false;
    }
    return true;
  }
}
