import type { FailureCode, ServerFrame } from "@zeroboot/sdk/protocol";
import type { FrameSink } from "../../../../server/src/session/frame-sink.js";

/** A sink that keeps what was sent, and answers as a connection that is or is not writable. */
export class Sent implements FrameSink {
  readonly frames: ServerFrame[] = [];
  readonly ends: FailureCode[] = [];
  writable = true;

  send(frame: ServerFrame): boolean {
    this.frames.push(frame);
    return this.writable;
  }

  cork(work: () => void): void {
    work();
  }

  end(reason: FailureCode): void {
    this.ends.push(reason);
  }
}
