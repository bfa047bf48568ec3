import { describe, expect, it } from "vitest";
import { type Edit, indent, newLine, outdent, type Selection } from "../../../web-demo/src/editing.js";

/** `|` marks where the selection begins and ends. */
function selection(marked: string): Selection {
  const start = marked.indexOf("|");
  const end = Math.max(start, marked.lastIndexOf("|") - 1);
  return { text: marked.replaceAll("|", ""), start, end };
}

function edited(edit: (of: Selection) => Edit, marked: string): string {
  const before = selection(marked);
  const { from, to, insert, start, end } = edit(before);
  const text = before.text.slice(0, from) + insert + before.text.slice(to);
  const marks = start === end ? "|" : `|${text.slice(start, end)}|`;
  return text.slice(0, start) + marks + text.slice(end);
}

describe("Tab", () => {
  it.each([
    ["|", "    |"],
    ["a|", "a   |"],
    ["abcd|e", "abcd    |e"],
    ["x\n  |y", "x\n    |y"],
    ["a|bc|d", "a   |d"],
  ])("goes to the next stop: %j", (before, wanted) => {
    expect(edited(indent, before)).toBe(wanted);
  });

  it("moves the lines of a selection, but not an empty one or the one it ends before", () => {
    expect(edited(indent, "|a\n\n  b|\nc")).toBe("    |a\n\n      b|\nc");
    expect(edited(indent, "|a\nb\n|c")).toBe("    |a\n    b\n|c");
  });
});

describe("Shift+Tab", () => {
  it.each([
    ["    a|", "a|"],
    ["      a|", "  a|"],
    [" a|", "a|"],
    ["  |  a", "|a"],
    ["a|", "a|"],
    ["|    a\n  b\nc|", "|a\nb\nc|"],
    ["    a\n    b|", "    a\nb|"],
  ])("moves lines back: %j", (before, wanted) => {
    expect(edited(outdent, before)).toBe(wanted);
  });
});

describe("Enter", () => {
  it.each([
    ["a|", "a\n|"],
    ["    a|", "    a\n    |"],
    ["for i in x:|", "for i in x:\n    |"],
    ["  if x:  # why|", "  if x:  # why\n      |"],
    ["x[1:|2]", "x[1:\n    |2]"],
    ["    a|bc|", "    a\n    |"],
  ])("keeps the indent: %j", (before, wanted) => {
    expect(edited(newLine, before)).toBe(wanted);
  });
});
