import { describe, expect, it } from "vitest";
import { directDependencies, REASONED_PACKAGES } from "../../../docs/generate/dependencies.js";
import { generatedPages } from "../../../docs/generate/pages.js";
import { readUnion } from "../../../docs/generate/registry.js";
import { fillSections, type Sections, table } from "../../../docs/generate/sections.js";

describe("generated pages", () => {
  it.each(generatedPages().map((page) => [page.path, page] as const))("%s is up to date (npm run docs)", (_, page) => {
    expect(page.current).toBe(page.wanted);
  });

  it("give no reason for a dependency that is not there", () => {
    const present = [...directDependencies("dependencies").keys(), ...directDependencies("devDependencies").keys()];
    expect([...REASONED_PACKAGES].sort()).toEqual(present.sort());
  });
});

describe("fillSections", () => {
  const page = "before\n<!-- generated: a -->\nold\n<!-- end generated -->\nafter\n";

  it("replaces what lies between the markers and nothing else", () => {
    const sections: Sections = { a: () => "new" };
    const filled = fillSections(page, sections);
    expect(filled).toBe("before\n<!-- generated: a -->\n\nnew\n\n<!-- end generated -->\nafter\n");
    expect(fillSections(filled, sections)).toBe(filled);
  });

  const wrong: [what: string, text: string, sections: Sections][] = [
    ["a section nobody makes", page, {}],
    ["a section without a place", page, { a: () => "", b: () => "" }],
    ["a section twice", page + page, { a: () => "" }],
  ];
  it.each(wrong)("refuses %s", (_, text, sections) => {
    expect(() => fillSections(text, sections)).toThrow(RangeError);
  });
});

describe("table", () => {
  it("keeps bars inside their cells", () => {
    expect(table(["a", "b"], [["x|y", ""]])).toBe("| a | b |\n|---|---|\n| x\\|y | |");
  });
});

describe("readUnion", () => {
  it("has every member with its comment as a sentence, the last one too", () => {
    const source = 'export type Code =\n  | "one" // a thing\n  | "two"; // `b` is gone.\n';
    expect(readUnion(source, "Code")).toEqual([
      { code: "one", meaning: "A thing." },
      { code: "two", meaning: "`b` is gone." },
    ]);
  });

  it("refuses a member without a comment, and a union that is not there", () => {
    expect(() => readUnion('export type Code =\n  | "one"\n  | "two"; // b\n', "Code")).toThrow('| "one"');
    expect(() => readUnion("", "Code")).toThrow("no union Code");
  });
});
