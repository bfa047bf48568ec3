import { describe, expect, it } from "vitest";
import { identityRecord } from "../../../../server/src/session/identity.js";

const ENTROPY_BYTES = 64;

describe("an identity", () => {
  it("is 64 bytes of randomness and the wall clock in nanoseconds, little-endian", () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const payload = Buffer.from(identityRecord());
    const after = BigInt(Date.now()) * 1_000_000n;
    expect(payload).toHaveLength(72);
    const epochNs = payload.readBigUInt64LE(ENTROPY_BYTES);
    expect(epochNs >= before && epochNs <= after).toBe(true);
    expect(Buffer.from(identityRecord(0x0102030405060708n)).subarray(ENTROPY_BYTES).toString("hex")).toBe(
      "0807060504030201",
    );
  });

  it("is never the same twice", () => {
    const entropies = Array.from({ length: 1000 }, () =>
      Buffer.from(identityRecord(0n)).subarray(0, ENTROPY_BYTES).toString("hex"),
    );
    expect(new Set(entropies).size).toBe(1000);
    // All of it is filled: no position has the same byte every time.
    for (let at = 0; at < ENTROPY_BYTES; at++) {
      expect(new Set(entropies.map((hex) => hex.slice(2 * at, 2 * at + 2))).size).toBeGreaterThan(1);
    }
  });
});
