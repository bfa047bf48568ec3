import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedOutput, type Piece, type PieceKind } from "../../../web-demo/src/bounded-output.js";

const lengthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { text }) => sum + text.length, 0);
const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join("");

describe("output that is bounded", () => {
  it("is all there while it is short, neighbours of one kind together", () => {
    const output = new BoundedOutput({ chars: 100, pieces: 10 });
    output.add("stdout", "a");
    output.add("stdout", "b\n");
    output.add("stderr", "c\n");
    output.add("stdout", "d\n");
    expect(output.head).toEqual([
      { kind: "stdout", text: "ab\n" },
      { kind: "stderr", text: "c\n" },
      { kind: "stdout", text: "d\n" },
    ]);
    expect([output.tail, output.leftOut]).toEqual([[], 0]);
  });

  it("keeps whole lines at both ends", () => {
    const output = new BoundedOutput({ chars: 25, pieces: 10 });
    for (let line = 0; line < 100; line++) output.add("stdout", `line ${line % 10}\n${"more\n"}`);
    expect(textOf(output.head)).toMatch(/^line 0\nmore\nline 1\nmore\n/);
    expect(textOf(output.tail)).toMatch(/^(line \d|more)\n[\s\S]*line 9\nmore\n$/);
  });

  it("cuts a line that is longer than what is kept", () => {
    const output = new BoundedOutput({ chars: 10, pieces: 10 });
    output.add("stdout", `${"a".repeat(5000)}${"z".repeat(5000)}`);
    expect([textOf(output.head), textOf(output.tail), output.leftOut]).toEqual(["aaaaaaaaaa", "zzzzzzzzzz", 9980]);
  });

  it("never holds more than its bounds, whatever comes, and accounts for the rest", () => {
    const kind = fc.constantFrom<PieceKind>("stdout", "stderr", "input");
    const text = fc.string({ unit: fc.constantFrom("a", "\n", "é", "🙂"), minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, text), { maxLength: 80 }), (added) => {
        const output = new BoundedOutput({ chars: 40, pieces: 5 });
        for (const [of, piece] of added) output.add(of, piece);
        const { head, tail, leftOut } = output;
        // One more, where a character would have been cut in two.
        expect(lengthOf(head)).toBeLessThanOrEqual(41);
        expect(lengthOf(tail)).toBeLessThanOrEqual(80);
        expect(head.length).toBeLessThanOrEqual(5);
        expect(tail.length).toBeLessThanOrEqual(10);
        const all = added.map(([, piece]) => piece).join("");
        expect(all.startsWith(textOf(head))).toBe(true);
        expect(all.endsWith(textOf(tail))).toBe(true);
        expect(lengthOf(head) + leftOut + lengthOf(tail)).toBe(all.length);
        for (const { text: shown } of [...head, ...tail]) expect(shown).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});
