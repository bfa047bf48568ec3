import { describe, expect, it } from "vitest";
import { bundleOf, decodePrompt, decodeText, errorOf } from "../../../../server/src/session/guest-text.js";
import type { Assembled } from "../../../../server/src/session/part-assembler.js";
import { PNG, TEXT } from "./records.js";

const bytes = (...values: (string | number)[]) =>
  Buffer.concat(values.map((value) => (typeof value === "number" ? Buffer.of(value) : Buffer.from(value))));
const whole = (parts: [number, Uint8Array][], truncated = false): Assembled => ({
  parts: new Map(parts),
  bytes: parts.reduce((sum, [, data]) => sum + data.length, 0),
  truncated,
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

  it("leaves out pictures that were cut, and types it does not know", () => {
    const parts: [number, Uint8Array][] = [
      [TEXT, bytes("42")],
      [PNG, bytes("half")],
      [63, bytes("?")],
    ];
    expect(bundleOf(whole(parts, true))).toEqual({ "text/plain": "42" });
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
