import { ByteBuffer } from "./byte-buffer.js";
import { type GuestRecord, RECORD_HEADER_BYTES, RecordReader } from "./record-reader.js";

/** Kept at most, bytes with headers. */
const MAX_BYTES = 128 * 1024;

/**
 * Output that threads and children of earlier cells wrote while the guest answered a question, kept for
 * the next cell. A question has no output, and records are read in order: left where it is, it would
 * keep the answer from being read.
 */
export class SetAside {
  readonly #records = new ByteBuffer();
  #reader: RecordReader | undefined;
  #lost = false;

  /** Keep a copy, as a record that belongs to no cell. */
  add({ kind, flags, payload }: GuestRecord): void {
    if (this.#records.length + RECORD_HEADER_BYTES + payload.length > MAX_BYTES) {
      this.#lost = true;
      return;
    }
    const header = Buffer.alloc(RECORD_HEADER_BYTES);
    header.writeUInt32LE(payload.length, 0);
    header.writeUInt8(kind, 4);
    header.writeUInt8(flags, 5);
    this.#records.add(header);
    this.#records.add(payload);
  }

  /** The reader of what is left, if anything is. */
  reader(): RecordReader | undefined {
    if (this.#reader?.atEnd === false) return this.#reader;
    this.#reader = this.#records.length === 0 ? undefined : new RecordReader(this.#records.bytes);
    this.#records.clear();
    return this.#reader;
  }

  /** Something was not even tried to be kept. */
  noteLoss(): void {
    this.#lost = true;
  }

  /** Whether something had no room, since the last time this was asked. */
  takeLoss(): boolean {
    const lost = this.#lost;
    this.#lost = false;
    return lost;
  }
}
