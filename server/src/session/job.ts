import { MAX_BUNDLE_BYTES, MAX_ERROR_BYTES } from "@zeroboot/sdk/protocol";
import { ERROR_PARTS, MIME_TYPES } from "./link-abi.js";
import { PartAssembler } from "./part-assembler.js";

/** What a session queues for its guest, one at a time: a cell, or a question about code. */
export abstract class Job {
  /** The client's name for it. */
  readonly id: string;
  /** Payload of its EXECUTE record. */
  readonly code: Uint8Array;
  /** Flags of that record. */
  abstract readonly executeFlags: number;
  /** `NAME=VALUE` each, of this job alone. */
  abstract readonly env: readonly Uint8Array[];
  /** How long the guest may take, milliseconds. */
  abstract readonly timeoutMs: number;
  readonly result = new PartAssembler(MIME_TYPES.length, MAX_BUNDLE_BYTES);
  readonly error = new PartAssembler(ERROR_PARTS, MAX_ERROR_BYTES);
  /** The engine's name for it while the guest has it; 0 before. */
  engineId = 0;
  truncated = false;
  /** Output that cannot be sent at once is thrown away: it was interrupted or ran out of time. */
  discarding = false;
  /** Output was thrown away: what follows is too, so that what was sent is a beginning without holes. */
  outputCut = false;

  constructor(id: string, code: Uint8Array) {
    this.id = id;
    this.code = code;
  }
}
