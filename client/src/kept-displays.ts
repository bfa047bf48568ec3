import type { MimeBundle } from "./protocol/frames.js";

/** The displays of one execution that are kept for its result: the first ones, up to a limit. */
export class KeptDisplays {
  readonly bundles: MimeBundle[] = [];
  readonly #maxBytes: number;
  #bytes = 0;
  #truncated = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param bytes over all parts of the bundle */
  add(bundle: MimeBundle, bytes: number): void {
    // One that was left out ends it: what is kept is a beginning without holes.
    this.#truncated ||= this.#bytes + bytes > this.#maxBytes;
    if (this.#truncated) return;
    this.bundles.push(bundle);
    this.#bytes += bytes;
  }

  /** Whether some were left out. */
  get truncated(): boolean {
    return this.#truncated;
  }
}
