import { describe, expect, it } from "vitest";
import { PartAssembler, PartOrderError } from "../../../../server/src/session/part-assembler.js";
import { LAST, MORE } from "./records.js";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Add records until one completes the whole. */
function assemble(assembler: PartAssembler, ...records: [flags: number, text: string][]) {
  const answers = records.map(([flags, text]) => assembler.add(flags, bytes(text)));
  expect(answers.slice(0, -1).every((answer) => answer === undefined)).toBe(true);
  const whole = answers.at(-1);
  if (whole === undefined) return undefined;
  const parts = [...whole.parts].map(([index, data]) => [index, Buffer.from(data).toString()]);
  return { parts, bytes: whole.bytes, truncated: whole.truncated };
}

describe("a whole of parts", () => {
  it("may be one record", () => {
    const assembler = new PartAssembler(3, 100);
    expect(assemble(assembler, [2 | LAST, "two"])).toEqual({ parts: [[2, "two"]], bytes: 3, truncated: false });
    expect(assembler.pending).toBe(false);
  });

  it("may be several parts of several records each, and is followed by another", () => {
    const assembler = new PartAssembler(3, 100);
    const once = () => assemble(assembler, [1 | MORE, "a"], [1, "b"], [0 | MORE, ""], [0 | MORE, "c"], [0 | LAST, "d"]);
    const whole = {
      parts: [
        [1, "ab"],
        [0, "cd"],
      ],
      bytes: 4,
      truncated: false,
    };
    expect(once()).toEqual(whole);
    expect(once()).toEqual(whole);
  });

  it("may have parts without content", () => {
    expect(assemble(new PartAssembler(2, 10), [0, ""], [1 | LAST, ""])?.parts).toEqual([
      [0, ""],
      [1, ""],
    ]);
  });

  it("is cut at the limit over all its parts, and says so; the next one is not", () => {
    const assembler = new PartAssembler(3, 4);
    expect(assemble(assembler, [0 | MORE, "abc"], [0, "de"], [1 | LAST, "f"])).toEqual({
      parts: [
        [0, "abcd"],
        [1, ""],
      ],
      bytes: 4,
      truncated: true,
    });
    expect(assemble(assembler, [0 | LAST, "abcd"])?.truncated).toBe(false);
  });

  it("is pending from its first record to its last", () => {
    const assembler = new PartAssembler(3, 10);
    assembler.add(0 | MORE, bytes("a"));
    expect(assembler.pending).toBe(true);
    assembler.add(0, bytes("b"));
    expect(assembler.pending).toBe(true);
    assembler.add(1 | LAST, bytes("c"));
    expect(assembler.pending).toBe(false);
  });

  it("keeps copies of what it was given", () => {
    const assembler = new PartAssembler(3, 10);
    const batch = bytes("abcdef");
    assembler.add(0 | MORE, batch.subarray(0, 2));
    batch.fill(0x78);
    expect(assemble(assembler, [0 | LAST, "!"])?.parts).toEqual([[0, "ab!"]]);
  });

  it.each<[string, [number, string][]]>([
    ["a part that has no meaning", [[3 | LAST, ""]]],
    [
      "a part within another",
      [
        [0 | MORE, "a"],
        [1, "b"],
      ],
    ],
    [
      "a part that comes twice",
      [
        [0, "a"],
        [0, "b"],
      ],
    ],
    ["a last record that announces more", [[0 | MORE | LAST, "a"]]],
  ])("must not have %s", (_, records) => {
    const assembler = new PartAssembler(3, 10);
    expect(() => {
      for (const [flags, text] of records) assembler.add(flags, bytes(text));
    }).toThrow(PartOrderError);
  });
});
