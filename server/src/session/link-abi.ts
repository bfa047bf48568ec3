/** What the server reads of native/src/devices/link_abi.h: the meaning of flags and of `struct zb_done`. */
import type { DoneFrame } from "@zeroboot/sdk/protocol";

/** `ZB_MIME_*`: the index of a bundle's part names its type. */
export const MIME_TYPES = [
  "text/plain",
  "text/html",
  "image/png",
  "image/svg+xml",
  "application/json",
  "text/markdown",
  "text/latex",
  "image/jpeg",
] as const;

/** Types whose data is not text. */
export const BINARY_MIME_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg"]);

/** `ZB_ERROR_*`: parts of an error. */
export const ERROR_NAME = 0;
export const ERROR_MESSAGE = 1;
export const ERROR_TRACEBACK = 2;
export const ERROR_PARTS = 3;

/** `ZB_EXECUTE_*`. */
export const EXECUTE_STDIN_OPEN = 0x01;
export const EXECUTE_COMPLETE = 0x02;
export const EXECUTE_CHECK = 0x04;
export const EXECUTE_INSPECT = 0x08;
/** `ZB_STDIN_EOF`, `ZB_INPUT_PASSWORD`. */
export const STDIN_EOF = 0x01;
export const INPUT_PASSWORD = 0x01;

const DONE_BYTES = 12;
const DONE_TRUNCATED = 0x01;
const DONE_STATUSES = ["ok", "error", "interrupted"] as const;

/** How the guest says a cell ended. */
export interface GuestDone {
  readonly status: Extract<DoneFrame["status"], (typeof DONE_STATUSES)[number]>;
  readonly exitCode: number;
  readonly truncated: boolean;
}

/** `struct zb_done`; undefined for one that means nothing. */
export function parseDone(payload: Uint8Array): GuestDone | undefined {
  if (payload.length !== DONE_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const status = DONE_STATUSES[view.getUint8(0)];
  if (status === undefined) return undefined;
  return { status, exitCode: view.getInt32(4, true), truncated: (view.getUint8(1) & DONE_TRUNCATED) !== 0 };
}
