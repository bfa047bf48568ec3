import type { FailureCode, ServerFrame } from "@zeroboot/sdk/protocol";

/** Where a session's frames go: a WebSocket, or this very process. */
export interface FrameSink {
  /** Deliver a frame. False: deliver no more output until the session's `drained()` is called. */
  send(frame: ServerFrame): boolean;
  /** Deliver what `work` sends together. */
  cork(work: () => void): void;
  /** The session has ended and sends no more. */
  end(reason: FailureCode): void;
}
