import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import {
  MAX_ARRAY_ENTRIES,
  MAX_DEPTH,
  MAX_KEY_BYTES,
  MAX_MAP_ENTRIES,
  MAX_VALUES,
} from "../../../client/src/protocol/limits.js";
import { PrescanError, type PrescanReason, prescan } from "../../../client/src/protocol/prescan.js";

const msgpack = new Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  int64AsType: "number",
});

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
}

function refusal(message: Uint8Array): { reason: PrescanReason; offset: number } | undefined {
  try {
    prescan(message);
    return undefined;
  } catch (error) {
    if (!(error instanceof PrescanError)) throw error;
    return { reason: error.reason, offset: error.offset };
  }
}

/** `{"a": value}` */
function inMap(value: string): Uint8Array {
  return hex(`81 a161 ${value}`);
}

describe("prescan accepts", () => {
  it.each([
    ["an empty map", "80"],
    ["fixints", "82 a161 7f a162 e0"],
    ["nil and booleans", "83 a161 c0 a162 c2 a163 c3"],
    ["floats", "82 a161 ca00000000 a162 cb0000000000000000"],
    ["unsigned integers of every width", "84 a161 ccff a162 cdffff a163 ceffffffff a164 cfffffffffffffffff"],
    ["signed integers of every width", "84 a161 d0ff a162 d1ffff a163 d2ffffffff a164 d3ffffffffffffffff"],
    ["strings of every width", "84 a161 a178 a162 d90178 a163 da000178 a164 db0000000178"],
    ["binary of every width", "83 a161 c401ff a162 c50001ff a163 c600000001ff"],
    ["arrays of every width", "83 a161 9101 a162 dc000101 a163 dd0000000101"],
    ["maps of every width", "83 a161 80 a162 de0001a17801 a163 df00000001a17801"],
    ["keys with every string head", "84 a161 01 d90162 01 da000163 01 db0000000164 01"],
    ["the same key in two maps", "82 a161 81a17801 a162 81a17801"],
    ["an empty key", "81 a0 01"],
  ])("%s", (_what, message) => {
    expect(refusal(hex(message))).toBeUndefined();
  });

  it(`containers ${MAX_DEPTH} deep`, () => {
    expect(refusal(inMap(`${"91".repeat(MAX_DEPTH - 2)}90`))).toBeUndefined();
  });
});

describe("prescan refuses", () => {
  it.each<[string, string, PrescanReason, number]>([
    ["nothing at all", "", "truncated", 0],
    ["a number", "01", "not_a_map", 0],
    ["a string", "a161", "not_a_map", 0],
    ["an array", "9181a16101", "not_a_map", 0],
    ["bytes after the map", "80 00", "trailing_bytes", 1],
    ["a second map", "80 80", "trailing_bytes", 1],
    ["a map cut off", "82 a161 01", "truncated", 4],
    ["a length cut off", "81 a161 da00", "truncated", 4],
    ["a string longer than the message", "81 a161 dbffffffff", "truncated", 8],
    ["binary longer than the message", "81 a161 c6ffffffff00", "truncated", 8],
    ["a number cut off", "81 a161 cf00000000000000", "truncated", 4],
    ["a byte msgpack never uses", "81 a161 c1", "invalid_byte", 3],
    ["an integer as key", "81 01 01", "key_not_string", 1],
    ["binary as key", "81 c40161 01", "key_not_string", 1],
    ["a map as key", "81 80 01", "key_not_string", 1],
    ["a key twice", "82 a161 01 a161 02", "duplicate_key", 4],
    ["a key twice, written differently", "82 a161 01 d90161 02", "duplicate_key", 4],
    ["a key twice in an inner map", "81 a161 82 a178 01 a178 02", "duplicate_key", 7],
    ["a timestamp (Date)", "81 a161 d6ff00000000", "extension_type", 3],
    ["fixext 1 (undefined)", "81 a161 d40000", "extension_type", 3],
    ["fixext 2", "81 a161 d5780000", "extension_type", 3],
    ["fixext 8", "81 a161 d7780000000000000000", "extension_type", 3],
    ["fixext 16", `81 a161 d878${"00".repeat(16)}`, "extension_type", 3],
    ["ext 8 (RegExp of msgpackr)", "81 a161 c70378928080", "extension_type", 3],
    ["ext 16", "81 a161 c800017800", "extension_type", 3],
    ["ext 32 (bigint of msgpackr)", "81 a161 c90000000142ff", "extension_type", 3],
    ["an extension as key", "81 d40000 01", "key_not_string", 1],
    ["invalid UTF-8 in a value", "81 a161 a2c328", "invalid_utf8", 4],
    ["invalid UTF-8 in a key", "81 a1ff 01", "invalid_utf8", 2],
    ["a surrogate in UTF-8", "81 a161 a3eda080", "invalid_utf8", 4],
  ])("%s", (_what, message, reason, offset) => {
    expect(refusal(hex(message))).toEqual({ reason, offset });
  });

  it(`containers ${MAX_DEPTH + 1} deep`, () => {
    expect(refusal(inMap(`${"91".repeat(MAX_DEPTH - 1)}90`))?.reason).toBe("too_deep");
  });

  it(`a map of ${MAX_MAP_ENTRIES + 1} entries, and not one of ${MAX_MAP_ENTRIES}`, () => {
    const map = (entries: number) =>
      msgpack.pack(Object.fromEntries(Array.from({ length: entries }, (_, at) => [`k${at}`, at])));
    expect(refusal(map(MAX_MAP_ENTRIES))).toBeUndefined();
    expect(refusal(map(MAX_MAP_ENTRIES + 1))?.reason).toBe("map_too_large");
    expect(refusal(inMap("dfffffffff"))?.reason).toBe("map_too_large");
  });

  it(`an array of ${MAX_ARRAY_ENTRIES + 1} elements, and not one of ${MAX_ARRAY_ENTRIES}`, () => {
    expect(refusal(msgpack.pack({ a: new Array(MAX_ARRAY_ENTRIES).fill(0) }))).toBeUndefined();
    expect(refusal(msgpack.pack({ a: new Array(MAX_ARRAY_ENTRIES + 1).fill(0) }))?.reason).toBe("array_too_large");
    expect(refusal(inMap("ddffffffff"))?.reason).toBe("array_too_large");
  });

  it(`a key of ${MAX_KEY_BYTES + 1} bytes, and not one of ${MAX_KEY_BYTES}`, () => {
    expect(refusal(msgpack.pack({ ["k".repeat(MAX_KEY_BYTES)]: 1 }))).toBeUndefined();
    expect(refusal(msgpack.pack({ ["k".repeat(MAX_KEY_BYTES + 1)]: 1 }))?.reason).toBe("key_too_long");
  });

  it(`more than ${MAX_VALUES} values in arrays of arrays`, () => {
    const row = new Array(255).fill(0);
    expect(refusal(msgpack.pack({ a: new Array(17).fill(row) }))?.reason).toBe("too_many_values");
  });

  it.each([
    ["nested arrays", "91"],
    ["nested maps", "81a161"],
    ["empty arrays in an array", "dc010090"],
  ])("64 KiB of %s in less than 10 ms", (_what, unit) => {
    const bytes = hex(unit);
    const message = new Uint8Array(64 * 1024);
    message.set(hex("81a161"));
    for (let at = 3; at + bytes.length <= message.length; at += bytes.length) message.set(bytes, at);
    prescanQuietly(message); // compiled
    const start = performance.now();
    expect(refusal(message)).toBeDefined();
    // About 1 ms; a busy machine gets room, a scan that is not linear has none.
    expect(performance.now() - start).toBeLessThan(100);
  });

  it("nothing for being costly: the worst message it reads to the end in well under a second", () => {
    // As many full maps as there may be values, all keys as long and as alike as they may be.
    const keys = Array.from({ length: MAX_MAP_ENTRIES }, (_, at) => String(at).padStart(MAX_KEY_BYTES, "k"));
    const map = Object.fromEntries(keys.map((key) => [key, 0]));
    const maps = Math.floor((MAX_VALUES - 2) / (MAX_MAP_ENTRIES + 1));
    const message = new Uint8Array(msgpack.pack({ a: new Array(maps).fill(map) }));
    const start = performance.now();
    expect(refusal(message)).toBeUndefined();
    // About 50 ms.
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

/* ---- against the decoder ------------------------------------------------------------------- */

const text = fc.string({ unit: "binary", maxLength: 20 }).filter((value) => !/\p{Surrogate}/u.test(value));
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    text,
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("tree"), { maxLength: 6 }),
    fc.dictionary(text, tie("tree"), { maxKeys: 6 }),
  ),
}));
const map = fc.dictionary(text, tree, { maxKeys: 10 });

describe("prescan and the decoder", () => {
  it("accepts whatever plain data the encoder writes", () => {
    fc.assert(
      fc.property(map, (value) => {
        expect(refusal(new Uint8Array(msgpack.pack(value)))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it("refuses every proper prefix and every extension by a byte", () => {
    fc.assert(
      fc.property(map, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, cut, extra) => {
        const whole = new Uint8Array(msgpack.pack(value));
        expect(refusal(whole.subarray(0, cut % whole.length))).toBeDefined();
        expect(refusal(new Uint8Array([...whole, extra]))?.reason).toBe("trailing_bytes");
      }),
      { numRuns: 300 },
    );
  });

  it("lets nothing pass that the decoder chokes on or makes other than plain data of", () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        map,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        (value, edits) => {
          const message = new Uint8Array(msgpack.pack(value));
          for (const [at, byte] of edits) message[at % message.length] = byte;
          if (refusal(message) !== undefined) return;
          accepted++;
          expect(isPlain(msgpack.unpack(message))).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("survives arbitrary bytes with a typed error or none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        refusal(bytes);
        refusal(new Uint8Array([0x8f, ...bytes]));
      }),
      { numRuns: 3000 },
    );
  });
});

function prescanQuietly(message: Uint8Array): void {
  for (let round = 0; round < 20; round++) refusal(message);
}

function isPlain(value: unknown): boolean {
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) return true;
  if (value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  return (
    typeof value === "object" &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every(isPlain)
  );
}
