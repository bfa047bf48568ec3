import { describe, expect, it } from "vitest";
import { bundleOf, decodePrompt, decodeText, errorOf } from "../../../../server/src/session/guest-text.js";
import type { Assembled } from "../../../../server/src/session/part-assembler.js";
import { PNG, TEXT } from "./records.js";

const bytes = (...values: (string | number)[]) =>
  Buffer.concat(values.map((value) => (typeof value === "number" ? Buffer.of(value) : Buffer.from(value))));
const whole = (parts: [number, Uint8Array][], cut: readonly number[] = []): Assembled => ({
  parts: new Map(parts),
  bytes: parts.reduce((sum, [, data]) => sum + data.length, 0),
  truncated: cut.length > 0,
  cut: new Set(cut),
});

describe("text of the guest", () => {
  it("is UTF-8, with replacement characters for what is not", () => {
    expect(decodeText(bytes("aé€😀"))).toBe("aé€😀");
    expect(decodeText(bytes("a", 0xff, "b", 0xc3, "c"))).toBe("a\ufffdb\ufffdc");
  });

  it("loses a character that was cut off at its end, and keeps a byte order mark", () => {
    expect(decodeText(bytes("a€").subarray(0, 3))).toBe("a");
    expect(decodeText(bytes("\ufeffa"))).toBe("\ufeffa");
  });

  it("is cut where it is a prompt", () => {
    expect(decodePrompt(bytes("é".repeat(5000)))).toBe("é".repeat(2048));
  });
});

describe("a bundle", () => {
  it("is text by MIME type, and bytes for pictures", () => {
    const png = bytes(0x89, "PNG", 0xff);
    expect(
      bundleOf(
        whole([
          [TEXT, bytes("42")],
          [1, bytes("<b>")],
          [PNG, png],
        ]),
      ),
    ).toEqual({
      "text/plain": "42",
      "text/html": "<b>",
      "image/png": png,
    });
  });

  it("keeps plain text that was cut, leaves out all else that was, and types it does not know", () => {
    const parts: [number, Uint8Array][] = [
      [TEXT, bytes("42€").subarray(0, 4)],
      [1, bytes("<b")],
      [PNG, bytes("half")],
      [5, bytes("**whole**")],
      [63, bytes("?")],
    ];
    expect(bundleOf(whole(parts, [TEXT, 1, PNG]))).toEqual({ "text/plain": "42", "text/markdown": "**whole**" });
  });

  it("always has plain text", () => {
    expect(bundleOf(whole([[1, bytes("<b>")]]))).toEqual({ "text/plain": "", "text/html": "<b>" });
  });
});

describe("an error", () => {
  it("is name, message and traceback; what the guest left out is empty", () => {
    expect(
      errorOf(
        "a",
        whole([
          [0, bytes("E")],
          [1, bytes("why", 0xff)],
          [2, bytes("where")],
        ]),
      ),
    ).toEqual({
      type: "error",
      id: "a",
      name: "E",
      message: "why\ufffd",
      traceback: "where",
    });
    expect(errorOf("a", whole([]))).toMatchObject({ name: "", message: "", traceback: "" });
  });
});
