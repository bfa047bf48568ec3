import * as protocol from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { announcedLimits, DEFAULT_SESSION_SETTINGS } from "../../../../server/src/session/limits.js";

describe("the limits announced", () => {
  it("are the session's own, within the protocol's", () => {
    const settings = {
      ...DEFAULT_SESSION_SETTINGS,
      defaultTimeoutMs: 7,
      maxTimeoutMs: 8,
      maxQueuedExecutions: 9,
      maxOutputBytes: 10,
      maxSessionOutputBytes: 11,
      idleTimeoutMs: 12,
      lifetimeMs: 13,
      interruptGraceMs: 14,
    };
    expect(announcedLimits(settings, 256)).toEqual({
      maxFrameBytes: protocol.MAX_CLIENT_FRAME_BYTES,
      maxCodeBytes: protocol.MAX_CODE_BYTES,
      maxQueuedExecutions: 9,
      initialCreditBytes: protocol.INITIAL_CREDIT_BYTES,
      defaultTimeoutMs: 7,
      maxTimeoutMs: 8,
      maxOutputBytes: 10,
      maxSessionOutputBytes: 11,
      idleTimeoutMs: 12,
      lifetimeMs: 13,
      interruptGraceMs: 14,
      memoryMb: 256,
    });
  });
});
