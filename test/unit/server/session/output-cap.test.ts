import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OUTPUT_TAIL_BYTES, OutputCap } from "../../../../server/src/session/output-cap.js";

const text = (size: number, from = 0) =>
  Buffer.from(Array.from({ length: size }, (_, i) => 33 + ((from + i * 7 + (i >> 6)) % 90)));

/** Everything that is left to be sent, piece by piece. */
function rest(cap: OutputCap, atATime = Number.MAX_SAFE_INTEGER): [string, string][] {
  const sent: [string, string][] = [];
  for (let piece = cap.peekRest(); piece !== undefined; piece = cap.peekRest()) {
    const data = piece.data.subarray(0, atATime);
    sent.push([piece.stream, Buffer.from(data).toString("latin1")]);
    cap.takeRest(data.length);
  }
  return sent;
}

describe("an output cap", () => {
  it("counts what is sent as it comes", () => {
    const cap = new OutputCap(100);
    cap.sent(60);
    expect(cap.headLeft).toBe(40);
    cap.sent(40);
    expect([cap.headLeft, cap.omittedBytes, rest(cap)]).toEqual([0, 0, []]);
  });

  it("sends what is beyond and fits the tail, without a mark", () => {
    const cap = new OutputCap(0);
    cap.keep("stderr", text(10));
    cap.keep("stdout", text(OUTPUT_TAIL_BYTES));
    expect(cap.omittedBytes).toBe(0);
    expect(rest(cap)).toEqual([
      ["stdout", text(OUTPUT_TAIL_BYTES).toString()],
      ["stderr", text(10).toString()],
    ]);
  });

  it("marks what is left out in the stream that lacks it, also when sent in small pieces", () => {
    const cap = new OutputCap(0);
    const all = text(OUTPUT_TAIL_BYTES + 1234);
    cap.keep("stdout", all);
    cap.keep("stderr", text(3));
    expect(cap.omittedBytes).toBe(1234);
    const sent = rest(cap, 1000);
    const joined = (stream: string) => sent.flatMap(([of, data]) => (of === stream ? [data] : [])).join("");
    expect(joined("stdout")).toBe(`\n[1234 bytes left out]\n${all.subarray(1234)}`);
    expect(joined("stderr")).toBe(text(3).toString());
  });

  it("begins the tail with a whole character", () => {
    const cap = new OutputCap(0);
    cap.keep("stdout", Buffer.from("ä".repeat(OUTPUT_TAIL_BYTES)).subarray(1));
    const [[, sent = ""] = []] = rest(cap);
    const [, count = "0", tail = ""] = /^\n\[(\d+) bytes left out\]\n(.*)$/s.exec(sent) ?? [];
    expect(Number(count) + tail.length).toBe(2 * OUTPUT_TAIL_BYTES - 1);
    expect(Buffer.from(tail, "latin1").toString()).toBe("ä".repeat(tail.length / 2));
  });

  it("keeps the end of the stream, however it is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3 * OUTPUT_TAIL_BYTES), { minLength: 1, maxLength: 12 }), (sizes) => {
        const cap = new OutputCap(0);
        const pieces = sizes.map((size, i) => text(size, i));
        for (const piece of pieces) cap.keep("stdout", piece);
        const all = Buffer.concat(pieces);
        const kept = Math.min(all.length, OUTPUT_TAIL_BYTES);
        expect(cap.omittedBytes).toBe(all.length - kept);
        const sent = rest(cap)
          .map(([, data]) => data)
          .join("");
        expect(sent.endsWith(all.subarray(all.length - kept).toString())).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
