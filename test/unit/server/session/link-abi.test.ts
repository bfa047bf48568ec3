import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GuestKind, HostKind } from "../../../../native/engine.js";
import { IDENTITY_BYTES } from "../../../../server/src/session/identity.js";
import * as abi from "../../../../server/src/session/link-abi.js";
import { RECORD_HEADER_BYTES } from "../../../../server/src/session/record-reader.js";
import { DONE, donePayload } from "./records.js";

/** `#define ZB_NAME value` of the header that engine and guest compile. */
const header = readFileSync(new URL("../../../../native/src/devices/link_abi.h", import.meta.url), "utf8");
const constants = new Map(
  [...header.matchAll(/^#define (ZB_\w+) (0x[0-9a-f]+|\d+)u\b/gm)].map(([, name, value]) => [name, Number(value)]),
);

describe("what the server takes from link_abi.h", () => {
  it.each([
    ["ZB_HOST_EXECUTE", HostKind.execute],
    ["ZB_HOST_STDIN", HostKind.stdin],
    ["ZB_HOST_IDENTITY", HostKind.identity],
    ["ZB_HOST_ENV", HostKind.env],
    ["ZB_GUEST_READY", GuestKind.ready],
    ["ZB_GUEST_STDOUT", GuestKind.stdout],
    ["ZB_GUEST_STDERR", GuestKind.stderr],
    ["ZB_GUEST_RESULT", GuestKind.result],
    ["ZB_GUEST_DISPLAY", GuestKind.display],
    ["ZB_GUEST_ERROR", GuestKind.error],
    ["ZB_GUEST_INPUT_REQUEST", GuestKind.inputRequest],
    ["ZB_GUEST_DONE", GuestKind.done],
    ["ZB_GUEST_IDENTITY", GuestKind.identity],
    ["ZB_EXECUTE_STDIN_OPEN", abi.EXECUTE_STDIN_OPEN],
    ["ZB_EXECUTE_COMPLETE", abi.EXECUTE_COMPLETE],
    ["ZB_EXECUTE_CHECK", abi.EXECUTE_CHECK],
    ["ZB_EXECUTE_INSPECT", abi.EXECUTE_INSPECT],
    ["ZB_STDIN_EOF", abi.STDIN_EOF],
    ["ZB_INPUT_PASSWORD", abi.INPUT_PASSWORD],
    ["ZB_ERROR_NAME", abi.ERROR_NAME],
    ["ZB_ERROR_MESSAGE", abi.ERROR_MESSAGE],
    ["ZB_ERROR_TRACEBACK", abi.ERROR_TRACEBACK],
    ["ZB_MIME_TEXT", abi.MIME_TYPES.indexOf("text/plain")],
    ["ZB_MIME_HTML", abi.MIME_TYPES.indexOf("text/html")],
    ["ZB_MIME_PNG", abi.MIME_TYPES.indexOf("image/png")],
    ["ZB_MIME_SVG", abi.MIME_TYPES.indexOf("image/svg+xml")],
    ["ZB_MIME_JSON", abi.MIME_TYPES.indexOf("application/json")],
    ["ZB_MIME_MARKDOWN", abi.MIME_TYPES.indexOf("text/markdown")],
    ["ZB_MIME_LATEX", abi.MIME_TYPES.indexOf("text/latex")],
    ["ZB_MIME_JPEG", abi.MIME_TYPES.indexOf("image/jpeg")],
    ["ZB_IDENTITY_BYTES", IDENTITY_BYTES],
    ["ZB_DONE_OK", DONE.ok],
    ["ZB_DONE_ERROR", DONE.error],
    ["ZB_DONE_INTERRUPTED", DONE.interrupted],
  ])("%s", (name, value) => expect(constants.get(name)).toBe(value));

  it("every MIME type, and the size of a record's header", () => {
    expect([...constants.keys()].filter((name) => name?.startsWith("ZB_MIME_"))).toHaveLength(abi.MIME_TYPES.length);
    expect(RECORD_HEADER_BYTES).toBe(4 + 1 + 1 + 2);
  });
});

it("is what the agent in JavaScript takes from it, too", () => {
  const source = readFileSync(new URL("../../../../native/guest/agents/node/agent/link.mjs", import.meta.url), "utf8");
  const single = [...source.matchAll(/^export const ([A-Z_]+) = (0x[0-9a-f]+|\d+);$/gm)];
  const grouped = [...source.matchAll(/^export const (HOST|GUEST) = \{([^}]*)\}/gm)].flatMap(([, group, body]) =>
    [...(body ?? "").matchAll(/([A-Z_]+): (0x[0-9a-f]+)/g)].map(([, name, value]) => ["", `${group}_${name}`, value]),
  );
  const taken = [...single, ...grouped].map(([, name, value]) => [
    name === "LAST_OF_BUNDLE" ? "ZB_PART_LAST_OF_BUNDLE" : `ZB_${name}`,
    Number(value),
  ]);
  expect(taken.length).toBeGreaterThan(20);
  expect(taken).toEqual(taken.map(([name]) => [name, constants.get(String(name))]));
});

describe("struct zb_done", () => {
  it.each([
    [DONE.ok, "ok", 0],
    [DONE.error, "error", 3],
    [DONE.error, "error", -1],
    [DONE.interrupted, "interrupted", 130],
  ] as const)("status %d is %s", (status, name, exitCode) => {
    const payload = donePayload(status, exitCode);
    expect(abi.parseDone(payload)).toEqual({ status: name, exitCode, truncated: false });
  });

  it("says whether output was cut, by one flag", () => {
    expect(abi.parseDone(donePayload(DONE.ok, 0, 0x01))?.truncated).toBe(true);
    expect(abi.parseDone(donePayload(DONE.ok, 0, 0xfe))?.truncated).toBe(false);
  });

  it("means nothing with another status or length", () => {
    expect(abi.parseDone(donePayload(3))).toBeUndefined();
    expect(abi.parseDone(donePayload(DONE.ok).subarray(1))).toBeUndefined();
    expect(abi.parseDone(Buffer.concat([donePayload(DONE.ok), Buffer.alloc(1)]))).toBeUndefined();
  });

  it("is read where it lies in a batch", () => {
    const batch = Buffer.concat([Buffer.alloc(5), donePayload(DONE.error, 7)]);
    expect(abi.parseDone(batch.subarray(5))?.exitCode).toBe(7);
  });
});
