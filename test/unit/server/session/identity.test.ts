import { describe, expect, it } from "vitest";
import { identityRecord } from "../../../../server/src/session/identity.js";

const ENTROPY_BYTES = 64;
const SEEDS_OFFSET = 72;

describe("an identity", () => {
  it("is randomness, the wall clock in nanoseconds, little-endian, and randomness for whole generators and a machine id", () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const payload = Buffer.from(identityRecord());
    const after = BigInt(Date.now()) * 1_000_000n;
    expect(payload).toHaveLength(SEEDS_OFFSET + 2 * 624 * 4 + 16);
    const epochNs = payload.readBigUInt64LE(ENTROPY_BYTES);
    expect(epochNs >= before && epochNs <= after).toBe(true);
    const clock = Buffer.from(identityRecord(0x0102030405060708n)).subarray(ENTROPY_BYTES, SEEDS_OFFSET);
    expect(clock.toString("hex")).toBe("0807060504030201");
  });

  it("is never the same twice", () => {
    const identities = Array.from({ length: 100 }, () => Buffer.from(identityRecord(0n)));
    const [first] = identities;
    for (const part of [
      [0, ENTROPY_BYTES],
      [SEEDS_OFFSET, undefined],
    ] as const) {
      expect(new Set(identities.map((identity) => identity.subarray(...part).toString("hex"))).size).toBe(100);
    }
    // All of it is filled: no position but the clock's has the same byte every time.
    const constant = [...(first ?? [])].flatMap((byte, at) =>
      identities.every((identity) => identity[at] === byte) ? [at] : [],
    );
    expect(constant).toEqual([64, 65, 66, 67, 68, 69, 70, 71]);
  });
});
