import type { ErrorFrame, MimeBundle } from "@zeroboot/sdk/protocol";
import { BINARY_MIME_TYPES, ERROR_MESSAGE, ERROR_NAME, ERROR_TRACEBACK, MIME_TYPES } from "./link-abi.js";
import type { Assembled } from "./part-assembler.js";

/** The part that every bundle has. */
const PLAIN = MIME_TYPES.indexOf("text/plain");
/** A prompt longer than this is cut, bytes. */
const MAX_PROMPT_BYTES = 4096;

/** UTF-8 with replacement characters for what is not; a character cut off at the end is left out. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
}

export function decodePrompt(bytes: Uint8Array): string {
  return decodeText(bytes.subarray(0, MAX_PROMPT_BYTES));
}

/** The bundle of a result or display. Of what was cut, half is of no use, but for plain text: it is left out. */
export function bundleOf(whole: Assembled): MimeBundle {
  const plain = decodeText(whole.parts.get(PLAIN) ?? new Uint8Array());
  const others: Record<string, string | Uint8Array> = {};
  for (const [index, bytes] of whole.parts) {
    const type = MIME_TYPES[index];
    if (type === undefined || index === PLAIN || whole.cut.has(index)) continue;
    others[type] = BINARY_MIME_TYPES.has(type) ? bytes : decodeText(bytes);
  }
  return { ...others, "text/plain": plain };
}

/** The `error` frame of an execution. */
export function errorOf(id: string, whole: Assembled): ErrorFrame {
  const text = (index: number): string => decodeText(whole.parts.get(index) ?? new Uint8Array());
  return {
    type: "error",
    id,
    name: text(ERROR_NAME),
    message: text(ERROR_MESSAGE),
    traceback: text(ERROR_TRACEBACK),
  };
}
