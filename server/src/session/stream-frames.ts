import { MAX_OUTPUT_CHUNK_BYTES } from "@zeroboot/sdk/protocol";
import type { FrameSink } from "./frame-sink.js";

type Stream = "stdout" | "stderr";

/**
 * Makes stdout and stderr frames: adjacent pieces of one stream become one frame, so that a
 * program that writes little and often does not pay a message for each write.
 */
export class StreamFrames {
  readonly #sink: FrameSink;
  #seq = 0;
  #stream: Stream = "stdout";
  #id = "";
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Answers as {@link FrameSink.send}. `data` must stay as it is until {@link flush}. */
  add(stream: Stream, id: string, data: Uint8Array): boolean {
    let writable = true;
    if (this.#bytes + data.length > MAX_OUTPUT_CHUNK_BYTES || stream !== this.#stream || id !== this.#id) {
      writable = this.flush();
    }
    this.#stream = stream;
    this.#id = id;
    this.#pieces.push(data);
    this.#bytes += data.length;
    return writable;
  }

  /** Send what is waiting. Before any other frame, and before control is given back. */
  flush(): boolean {
    const [first] = this.#pieces;
    if (first === undefined) return true;
    const data = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return this.#sink.send({ type: this.#stream, id: this.#id, seq: this.#seq++, data });
  }
}
