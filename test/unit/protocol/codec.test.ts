import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { decodeClientFrame, decodeServerFrame, encodeFrame } from "../../../client/src/protocol/codec.js";
import { FrameError } from "../../../client/src/protocol/errors.js";
import type { ClientFrame, ServerFrame } from "../../../client/src/protocol/frames.js";
import {
  MAX_CLIENT_FRAME_BYTES,
  MAX_CODE_BYTES,
  MAX_CREDIT_BYTES,
  MAX_ENV_ENTRIES,
  MAX_ENV_ENTRY_BYTES,
  MAX_ID_LENGTH,
  MAX_SERVER_FRAME_BYTES,
  MAX_STDIN_CHUNK_BYTES,
  MAX_TIMEOUT_MS,
} from "../../../client/src/protocol/limits.js";

const msgpack = new Packr({ useRecords: false, variableMapSize: true });

const bytes = (...values: number[]) => new Uint8Array(values);
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

const clientFrames: [ClientFrame, string][] = [
  [{ type: "execute", id: "1", code: "1+1" }, "83a474797065a765786563757465a26964a131a4636f6465a3312b31"],
  [
    { type: "execute", id: "1", code: "", timeoutMs: 1000, env: { A: "b" }, stdin: "open" },
    "86a474797065a765786563757465a26964a131a4636f6465a0a974696d656f75744d73cd03e8a3656e7681a141a162a5737464696ea46f70656e",
  ],
  [
    { type: "stdin", id: "1", data: bytes(104, 105), eof: true },
    "84a474797065a5737464696ea26964a131a464617461c4026869a3656f66c3",
  ],
  [{ type: "interrupt" }, "81a474797065a9696e74657272757074"],
  [{ type: "interrupt", id: "1", after: "kill" }, "83a474797065a9696e74657272757074a26964a131a56166746572a46b696c6c"],
  [
    { type: "complete", id: "1", code: "a.", cursor: 2 },
    "84a474797065a8636f6d706c657465a26964a131a4636f6465a2612ea6637572736f7202",
  ],
  [{ type: "check", id: "1", code: "if" }, "83a474797065a5636865636ba26964a131a4636f6465a26966"],
  [{ type: "credit", bytes: 65536 }, "82a474797065a6637265646974a56279746573ce00010000"],
  [{ type: "ping", nonce: 7 }, "82a474797065a470696e67a56e6f6e636507"],
];

const limits = {
  maxFrameBytes: 1,
  maxCodeBytes: 2,
  maxQueuedExecutions: 3,
  initialCreditBytes: 4,
  defaultTimeoutMs: 5,
  maxTimeoutMs: 6,
  maxOutputBytes: 7,
  maxSessionOutputBytes: 68_719_476_736,
  idleTimeoutMs: 8,
  lifetimeMs: 9,
  interruptGraceMs: 10,
  memoryMb: 11,
};

const serverFrames: ServerFrame[] = [
  {
    type: "ready",
    sessionId: "s",
    vmId: "1",
    template: "python",
    protocol: 1,
    limits,
    forkTimeUs: 650,
    resumed: false,
  },
  { type: "started", id: "1" },
  { type: "stdout", id: "1", seq: 0, data: bytes(0xff, 0x00) },
  { type: "stderr", id: "1", seq: 1, data: bytes() },
  { type: "result", id: "1", bundle: { "text/plain": "2", "image/png": bytes(0x89, 0x50) } },
  { type: "error", id: "1", name: "ValueError", message: "no", traceback: "Traceback…" },
  { type: "inputRequest", id: "1", prompt: "? ", password: false },
  {
    type: "done",
    id: "1",
    status: "error",
    exitCode: -3,
    executionCount: 2,
    timings: { queuedUs: 5, execUs: 4_294_967_296 },
    truncated: false,
    stateKept: true,
    stoppedBy: "kill",
  },
  { type: "restarted", vmId: "2", forkTimeUs: 700, reason: "outOfMemory" },
  { type: "completed", id: "1", matches: ["a", "é"], start: 0, end: 1 },
  { type: "checked", id: "1", status: "incomplete", indent: "    " },
  { type: "pong", nonce: 7 },
  { type: "failure", code: "queue_full", message: "m", frame: "execute", id: "1" },
  { type: "closed", reason: "shutting_down", message: "m" },
];

function refusal(decode: () => unknown): FrameError {
  try {
    decode();
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("the codec", () => {
  it.each(clientFrames)("writes and reads %o", (frame, wire) => {
    expect(hex(encodeFrame(frame))).toBe(wire);
    expect(decodeClientFrame(new Uint8Array(Buffer.from(wire, "hex")))).toEqual(frame);
  });

  it.each(serverFrames.map((frame) => [frame.type, frame] as const))("writes and reads %s", (_type, frame) => {
    expect(decodeServerFrame(encodeFrame(frame))).toEqual(frame);
  });

  it("answers binary data as a plain Uint8Array, also out of a Buffer", () => {
    const message = Buffer.from(encodeFrame({ type: "stdout", id: "1", seq: 0, data: Buffer.from("hi") }));
    const frame = decodeServerFrame(message);
    expect(frame.type === "stdout" && Object.getPrototypeOf(frame.data)).toBe(Uint8Array.prototype);
  });

  it("reads 64-bit integers as numbers, as other encoders write them", () => {
    const message = Buffer.from("82a474797065a6637265646974a56279746573cf0000000000010000", "hex");
    expect(decodeClientFrame(message)).toEqual({ type: "credit", bytes: 65536 });
  });

  it("writes U+FFFD for lone surrogates, so that what it writes it reads", () => {
    const frame = decodeClientFrame(encodeFrame({ type: "execute", id: "\ud800", code: "'\udc00'" }));
    expect(frame).toEqual({ type: "execute", id: "\ufffd", code: "'\ufffd'" });
  });

  it("passes over fields it does not know", () => {
    expect(decodeClientFrame(msgpack.pack({ type: "ping", nonce: 1, later: { a: [1] } }))).toEqual({
      type: "ping",
      nonce: 1,
    });
  });

  it("reads a cell of full size", () => {
    const code = "é".repeat(MAX_CODE_BYTES / 2);
    expect(decodeClientFrame(encodeFrame({ type: "execute", id: "1", code }))).toMatchObject({ code });
  });
});

describe("a client's frame is refused", () => {
  it.each<[string, unknown, string]>([
    ["without a type", {}, "invalid_frame"],
    ["with a type that is no string", { type: 1 }, "invalid_frame"],
    ["of an unknown type", { type: "exec" }, "unknown_type"],
    ["of a server's type", { type: "ready" }, "unknown_type"],
    ["of a type that objects have", { type: "constructor" }, "unknown_type"],
    ["without code", { type: "execute", id: "1" }, "invalid_frame"],
    ["with code that is binary", { type: "execute", id: "1", code: bytes(49) }, "invalid_frame"],
    ["with an empty id", { type: "execute", id: "", code: "" }, "invalid_frame"],
    ["with a long id", { type: "execute", id: "x".repeat(MAX_ID_LENGTH + 1), code: "" }, "invalid_frame"],
    ["with a numeric id", { type: "execute", id: 1, code: "" }, "invalid_frame"],
    ["with a timeout of 0", { type: "execute", id: "1", code: "", timeoutMs: 0 }, "invalid_frame"],
    ["with a broken timeout", { type: "execute", id: "1", code: "", timeoutMs: 1.5 }, "invalid_frame"],
    ["with a long timeout", { type: "execute", id: "1", code: "", timeoutMs: MAX_TIMEOUT_MS + 1 }, "invalid_frame"],
    ["with a timeout of NaN", { type: "execute", id: "1", code: "", timeoutMs: Number.NaN }, "invalid_frame"],
    ["with nil for a field", { type: "execute", id: "1", code: "", timeoutMs: null }, "invalid_frame"],
    ["with an env that is no map", { type: "execute", id: "1", code: "", env: ["A=b"] }, "invalid_frame"],
    ["with an env of numbers", { type: "execute", id: "1", code: "", env: { A: 1 } }, "invalid_frame"],
    ["with '=' in a name", { type: "execute", id: "1", code: "", env: { "A=": "1" } }, "invalid_frame"],
    ["with an empty name", { type: "execute", id: "1", code: "", env: { "": "1" } }, "invalid_frame"],
    ["with NUL in a value", { type: "execute", id: "1", code: "", env: { A: "\0" } }, "invalid_frame"],
    ["with stdin of another word", { type: "execute", id: "1", code: "", stdin: "pipe" }, "invalid_frame"],
    ["with stdin that is text", { type: "stdin", id: "1", data: "x" }, "invalid_frame"],
    ["with much stdin", { type: "stdin", id: "1", data: new Uint8Array(MAX_STDIN_CHUNK_BYTES + 1) }, "invalid_frame"],
    ["with no credit", { type: "credit", bytes: 0 }, "invalid_frame"],
    ["with negative credit", { type: "credit", bytes: -1 }, "invalid_frame"],
    ["with too much credit", { type: "credit", bytes: MAX_CREDIT_BYTES + 1 }, "invalid_frame"],
    ["with a negative nonce", { type: "ping", nonce: -1 }, "invalid_frame"],
    ["with an unknown escalation", { type: "interrupt", after: "panic" }, "invalid_frame"],
  ])("%s", (_what, value, code) => {
    expect(refusal(() => decodeClientFrame(msgpack.pack(value))).code).toBe(code);
  });

  it("with too large an environment", () => {
    const execute = (env: Record<string, string>) => msgpack.pack({ type: "execute", id: "1", code: "", env });
    const many = Object.fromEntries(Array.from({ length: MAX_ENV_ENTRIES + 1 }, (_, at) => [`V${at}`, ""]));
    expect(refusal(() => decodeClientFrame(execute(many))).code).toBe("invalid_frame");
    expect(refusal(() => decodeClientFrame(execute({ A: "x".repeat(MAX_ENV_ENTRY_BYTES) }))).code).toBe(
      "invalid_frame",
    );
    expect(() => decodeClientFrame(execute({ A: "x".repeat(MAX_ENV_ENTRY_BYTES - 2) }))).not.toThrow();
  });

  it("with code over the limit, saying whose", () => {
    const error = refusal(() =>
      decodeClientFrame(encodeFrame({ type: "execute", id: "7", code: "x".repeat(MAX_CODE_BYTES + 1) })),
    );
    expect(error).toMatchObject({ code: "code_too_large", id: "7", frame: "execute" });
  });

  it("over the size limit, before anything is read", () => {
    expect(refusal(() => decodeClientFrame(new Uint8Array(MAX_CLIENT_FRAME_BYTES + 1))).code).toBe("frame_too_large");
    expect(refusal(() => decodeServerFrame(new Uint8Array(MAX_SERVER_FRAME_BYTES + 1))).code).toBe("frame_too_large");
  });

  it("that is not msgpack, with the place", () => {
    const error = refusal(() => decodeClientFrame(bytes(0x81, 0xa1)));
    expect(error).toMatchObject({ code: "malformed_frame", message: "truncated at byte 2" });
  });

  it("with code that is not UTF-8", () => {
    const message = Buffer.from("83a474797065a765786563757465a26964a131a4636f6465a2c328", "hex");
    expect(refusal(() => decodeClientFrame(message)).code).toBe("invalid_utf8");
  });

  it("in words that name the field and not its value", () => {
    const error = refusal(() => decodeClientFrame(msgpack.pack({ type: "execute", id: "7", code: 4711 })));
    expect(error).toMatchObject({ code: "invalid_frame", id: "7", frame: "execute" });
    expect(error.message).toContain("execute.code");
    expect(error.message).not.toContain("4711");
  });

  it("with a key that would reach a prototype, without reaching it", () => {
    const message = Buffer.from("82a474797065a470696e67a95f5f70726f746f5f5f81a56e6f6e636501", "hex");
    expect(refusal(() => decodeClientFrame(message)).code).toBe("invalid_frame");
  });
});
