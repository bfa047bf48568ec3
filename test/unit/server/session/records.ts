import { GuestKind } from "../../../../native/engine.js";

/** Flags and indices of native/src/devices/link_abi.h, written out: what the server takes them for is tested. */
export const MORE = 0x80;
export const LAST = 0x40;
export const TEXT = 0;
export const PNG = 2;
export const DONE = { ok: 0, error: 1, interrupted: 2 } as const;

/** One record as it lies in a batch: u32 length, u8 kind, u8 flags, u16 execution, little-endian; then the payload. */
export function record(kind: number, flags: number, execution: number, payload: string | Uint8Array = ""): Buffer {
  const data = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(data.length, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt8(flags, 5);
  header.writeUInt16LE(execution, 6);
  return Buffer.concat([header, data]);
}

export const stdout = (execution: number, data: string | Uint8Array) => record(GuestKind.stdout, 0, execution, data);
export const stderr = (execution: number, data: string | Uint8Array) => record(GuestKind.stderr, 0, execution, data);

/** `struct zb_done`: u8 status, u8 flags, u16 reserved, i32 exit code, u32 execution count. */
export function donePayload(status: number, exitCode = 0, flags = 0): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt8(status, 0);
  payload.writeUInt8(flags, 1);
  payload.writeInt32LE(exitCode, 4);
  payload.writeUInt32LE(7, 8);
  return payload;
}
