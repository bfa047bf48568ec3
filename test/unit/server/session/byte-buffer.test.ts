import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteBuffer } from "../../../../server/src/session/byte-buffer.js";

describe("a byte buffer", () => {
  it("is its pieces, one after the other", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
        const buffer = new ByteBuffer();
        for (const piece of pieces) buffer.add(piece);
        expect(Buffer.from(buffer.bytes)).toEqual(Buffer.concat(pieces));
        expect(buffer.length).toBe(buffer.bytes.length);
      }),
    );
  });

  it("keeps copies: neither does it change with a piece nor does it keep the piece's batch alive", () => {
    const batch = new Uint8Array(1 << 20).fill(1);
    const buffer = new ByteBuffer();
    buffer.add(batch.subarray(5, 8));
    batch.fill(2);
    expect([...buffer.bytes]).toEqual([1, 1, 1]);
    expect(buffer.bytes.buffer.byteLength).toBe(3);
  });

  it("begins anew when cleared and leaves alone what was taken", () => {
    const buffer = new ByteBuffer();
    buffer.add(Uint8Array.of(1, 2));
    const taken = buffer.bytes;
    buffer.clear();
    buffer.add(Uint8Array.of(3));
    expect([[...taken], [...buffer.bytes]]).toEqual([[1, 2], [3]]);
  });
});
