import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findInvalidUtf8, isWellFormed, toWellFormed, utf8Length } from "../../../client/src/protocol/utf8.js";

function find(...bytes: number[]): number {
  return findInvalidUtf8(new Uint8Array(bytes), 0, bytes.length);
}

describe("findInvalidUtf8", () => {
  it.each([
    ["the first and last of each length", [0x00, 0x7f, 0xc2, 0x80, 0xdf, 0xbf, 0xe0, 0xa0, 0x80, 0xef, 0xbf, 0xbf]],
    ["four bytes", [0xf0, 0x90, 0x80, 0x80, 0xf4, 0x8f, 0xbf, 0xbf]],
    ["around the surrogates", [0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80]],
  ])("accepts %s", (_what, bytes) => {
    expect(find(...bytes)).toBe(-1);
  });

  it.each([
    ["a lone continuation", [0x41, 0x80], 1],
    ["an overlong slash", [0xc0, 0xaf], 0],
    ["an overlong three-byte form", [0xe0, 0x9f, 0xbf], 0],
    ["an overlong four-byte form", [0xf0, 0x8f, 0xbf, 0xbf], 0],
    ["a surrogate", [0xed, 0xa0, 0x80], 0],
    ["a value past U+10FFFF", [0xf4, 0x90, 0x80, 0x80], 0],
    ["0xff", [0xff], 0],
    ["a sequence cut off", [0x41, 0xe2, 0x82], 1],
    ["a sequence broken at its end", [0xe2, 0x82, 0x41], 0],
  ])("finds %s", (_what, bytes, offset) => {
    expect(find(...bytes)).toBe(offset);
  });

  it("agrees with Node on arbitrary bytes", () => {
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0x80, 0x9f, 0xa0, 0xbf),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
        expect(find(...bytes) === -1).toBe(isUtf8(new Uint8Array(bytes)));
      }),
      { numRuns: 5000 },
    );
  });

  it("looks at nothing outside its range", () => {
    expect(findInvalidUtf8(new Uint8Array([0xff, 0x41, 0xff]), 1, 2)).toBe(-1);
    expect(findInvalidUtf8(new Uint8Array([0xc3, 0xa9]), 0, 1)).toBe(0);
  });
});

describe("strings", () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));

  it("counts the bytes an encoder writes", () => {
    fc.assert(
      fc.property(fc.oneof(units, fc.string({ unit: "binary" })), (value) => {
        expect(utf8Length(value)).toBe(new TextEncoder().encode(value).length);
      }),
    );
  });

  it("replaces lone surrogates and nothing else", () => {
    expect(toWellFormed("a\ud800b\udc00\u{1f600}")).toBe("a\ufffdb\ufffd\u{1f600}");
    expect(isWellFormed("\u{1f600}")).toBe(true);
    expect(isWellFormed("\udc00\ud800")).toBe(false);
  });
});
