import { describe, expect, it } from "vitest";
import { decodeClientFrame } from "../../../client/src/protocol/codec.js";
import { FrameError } from "../../../client/src/protocol/errors.js";
import { frameLike, hostileMessage } from "../../soak/hostile/messages.js";
import { Random } from "../../soak/random.js";

/** What becomes of a message: the type it was taken for, or the code of its refusal. */
function fate(message: Uint8Array): string {
  try {
    return decodeClientFrame(message).type;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return error.code;
  }
}

describe("hostile messages", () => {
  it("look like frames: many are taken, many are not, and none breaks the decoder", () => {
    const random = new Random(1);
    const fates = Array.from({ length: 1000 }, () => fate(frameLike(random)));
    const taken = ["execute", "stdin", "interrupt", "complete", "check", "credit", "ping"];
    const refused = ["invalid_frame", "unknown_type", "malformed_frame"];
    for (const expected of [...taken, ...refused]) expect(fates).toContain(expected);
  });

  it("are bytes of every kind", () => {
    const random = new Random(2);
    for (let i = 0; i < 500; i++) {
      const message = hostileMessage(random);
      if (typeof message !== "string") fate(message);
    }
  });
});
