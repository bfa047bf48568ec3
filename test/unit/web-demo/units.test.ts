import { describe, expect, it } from "vitest";
import { clip } from "../../../web-demo/src/clip.js";
import { formatCount, formatMicroseconds } from "../../../web-demo/src/units.js";

describe("a time", () => {
  it.each([
    [0, "0 µs"],
    [648, "648 µs"],
    [999.4, "999 µs"],
    [999.5, "1.00 ms"],
    [3104, "3.10 ms"],
    [99_994, "99.99 ms"],
    [99_995, "100.0 ms"],
    [999_949, "999.9 ms"],
    [999_950, "1.00 s"],
    [59_994_999, "59.99 s"],
    [59_995_000, "1 min 0 s"],
    [3_725_400_000, "62 min 5 s"],
  ])("of %s microseconds is %s", (us, text) => {
    expect(formatMicroseconds(us).replaceAll("\u00a0", " ")).toBe(text);
  });
});

describe("a count", () => {
  it("has its thousands apart", () => {
    expect([0, 999, 1000, 15_696_882].map(formatCount)).toEqual(["0", "999", "1,000", "15,696,882"]);
  });
});

describe("a text that is too long", () => {
  it("keeps its beginning and end, and says how much is between", () => {
    expect(clip("abcdef", 6)).toBe("abcdef");
    expect(clip(`abc${"-".repeat(2000)}xyz`, 6)).toBe("abc\n[2,000 characters left out]\nxyz");
  });
});
