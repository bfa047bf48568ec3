/** One record of the guest: the fixed header, decoded, and its payload, not decoded. */
export interface GuestRecord {
  readonly kind: number;
  readonly flags: number;
  /** Assigned by the host; 0 = belongs to no cell. */
  readonly execution: number;
  /** What is left of the payload: a view on the batch. */
  readonly payload: Uint8Array;
}

/** Bytes of `struct zb_record` in native/src/devices/link_abi.h. */
export const RECORD_HEADER_BYTES = 8;

/** A batch of the engine does not consist of whole records: a bug on the host's side of the link. */
export class RecordFramingError extends Error {
  override readonly name = "RecordFramingError";
}

/**
 * Reads the records of one batch (what `Vm.read` returned), oldest first, so that whoever pumps
 * can stop between two records, or within one, and go on later.
 */
export class RecordReader {
  readonly #batch: Uint8Array;
  readonly #view: DataView;
  /** Start of the current record. */
  #offset = 0;
  /** Bytes of its payload that were taken. */
  #taken = 0;

  constructor(batch: Uint8Array) {
    this.#batch = batch;
    this.#view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  }

  /** Whether every record was taken. */
  get atEnd(): boolean {
    return this.#offset === this.#batch.length;
  }

  /** The current record, without taking it; undefined at the end. @throws RecordFramingError */
  peek(): GuestRecord | undefined {
    const left = this.#batch.length - this.#offset;
    if (left === 0) return undefined;
    if (left < RECORD_HEADER_BYTES) throw new RecordFramingError(`${left} bytes are no record header`);
    const length = this.#view.getUint32(this.#offset, true);
    if (length > left - RECORD_HEADER_BYTES) throw new RecordFramingError(`a record of ${length} bytes is cut off`);
    const start = this.#offset + RECORD_HEADER_BYTES;
    return {
      kind: this.#view.getUint8(this.#offset + 4),
      flags: this.#view.getUint8(this.#offset + 5),
      execution: this.#view.getUint16(this.#offset + 6, true),
      payload: this.#batch.subarray(start + this.#taken, start + length),
    };
  }

  /** Take the first bytes of the current record's payload and stay with it. */
  takePart(bytes: number): void {
    this.#taken += bytes;
  }

  /** Go on to the next record. */
  next(): void {
    this.#offset += RECORD_HEADER_BYTES + this.#view.getUint32(this.#offset, true);
    this.#taken = 0;
  }
}
