import { randomFillSync } from "node:crypto";

/** `ZB_IDENTITY_ENTROPY_BYTES` and `ZB_IDENTITY_BYTES` of native/src/devices/link_abi.h. */
const ENTROPY_BYTES = 64;
export const IDENTITY_BYTES = 5080;

/**
 * What makes a fork itself: fresh randomness for its kernel and its runtime's generators, and
 * the wall clock. Made anew for every fork and sent to one fork only.
 * @param epochNs wall clock, nanoseconds since 1970
 */
export function identityRecord(epochNs: bigint = wallClockNs()): Uint8Array {
  const payload = new Uint8Array(IDENTITY_BYTES);
  randomFillSync(payload);
  new DataView(payload.buffer).setBigUint64(ENTROPY_BYTES, epochNs, true);
  return payload;
}

/**
 * The wall clock now, nanoseconds since 1970. Not `performance.timeOrigin + performance.now()`:
 * that does not follow when the host's clock is set after the process started.
 */
function wallClockNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
