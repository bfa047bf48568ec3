import { Packr } from "msgpackr/index-no-eval";
import type * as z from "zod";
import { FrameError } from "./errors.js";
import {
  CLIENT_FRAME_TYPES,
  type ClientFrame,
  clientFrame,
  SERVER_FRAME_TYPES,
  type ServerFrame,
  serverFrame,
} from "./frames.js";
import { MAX_CLIENT_FRAME_BYTES, MAX_CODE_BYTES, MAX_ID_LENGTH, MAX_SERVER_FRAME_BYTES } from "./limits.js";
import { PrescanError, prescan } from "./prescan.js";
import { toWellFormed, utf8Length } from "./utf8.js";

/**
 * Plain msgpack both ways: no records, undefined as nil, 64-bit integers as numbers. It is the
 * build of msgpackr that neither compiles code, which pages forbid, nor loads a native parser.
 */
const msgpack = new Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  int64AsType: "number",
});

/** The message for a frame. Lone surrogates, which UTF-8 cannot carry, become U+FFFD. */
export function encodeFrame(frame: ClientFrame | ServerFrame): Uint8Array {
  return msgpack.pack(encodable(frame));
}

/**
 * What a client sent.
 * @throws FrameError
 */
export function decodeClientFrame(message: Uint8Array): ClientFrame {
  const frame = decode(message, MAX_CLIENT_FRAME_BYTES, CLIENT_FRAME_TYPES, clientFrame);
  if ("code" in frame && utf8Length(frame.code) > MAX_CODE_BYTES) {
    throw new FrameError("code_too_large", `the code has more than ${MAX_CODE_BYTES} bytes`, {
      frame: frame.type,
      id: frame.id,
    });
  }
  return frame;
}

/**
 * What a server sent.
 * @throws FrameError; `unknown_type` is a newer server's frame and may be passed over
 */
export function decodeServerFrame(message: Uint8Array): ServerFrame {
  return decode(message, MAX_SERVER_FRAME_BYTES, SERVER_FRAME_TYPES, serverFrame);
}

function decode<T>(message: Uint8Array, maxBytes: number, types: ReadonlySet<string>, schema: z.ZodType<T>): T {
  if (message.length > maxBytes) {
    throw new FrameError("frame_too_large", `the message has ${message.length} bytes, more than ${maxBytes}`);
  }
  const map = unpack(message);
  const id = usableId(map.id);
  const type = map.type;
  if (typeof type !== "string") throw new FrameError("invalid_frame", "type: expected a string", { id });
  if (!types.has(type)) throw new FrameError("unknown_type", "there is no frame of this type", { id });
  const parsed = schema.safeParse(map);
  if (!parsed.success) throw new FrameError("invalid_frame", describe(type, parsed.error), { frame: type, id });
  return parsed.data;
}

function unpack(message: Uint8Array): { readonly id?: unknown; readonly type?: unknown } {
  try {
    prescan(message);
  } catch (cause) {
    if (!(cause instanceof PrescanError)) throw cause;
    throw new FrameError(cause.reason === "invalid_utf8" ? "invalid_utf8" : "malformed_frame", cause.message, {
      cause,
    });
  }
  // A plain Uint8Array makes the decoder answer binary data as such, whatever `message` is.
  const plain = new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  return msgpack.unpack(plain) as { id?: unknown; type?: unknown };
}

function usableId(id: unknown): string | undefined {
  return typeof id === "string" && id.length >= 1 && id.length <= MAX_ID_LENGTH ? id : undefined;
}

/** The first complaint; zod's messages name what was expected, never what was received. */
function describe(type: string, error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? type : `${[type, ...issue.path.map(String)].join(".")}: ${issue.message}`;
}

function encodable(value: unknown): unknown {
  if (typeof value === "string") return toWellFormed(value);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(encodable);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [toWellFormed(key), encodable(part)]));
}
