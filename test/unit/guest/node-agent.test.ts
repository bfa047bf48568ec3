import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../../helpers/pages.js";

interface Transformed {
  readonly code: string;
  readonly isAsync: boolean;
  readonly hasResult: boolean;
}
interface Checked {
  readonly status: string;
  readonly indent: string;
}

/** The agent's own modules, which need nothing of the guest. */
function load(name: string): Promise<unknown> {
  return import(pathToFileURL(join(REPOSITORY, "native/guest/agents/node/agent", name)).href);
}
const { isPlain, transform } = (await load("transform.mjs")) as {
  isPlain(source: string): boolean;
  transform(source: string): Transformed;
};
const { check } = (await load("check.mjs")) as { check(source: string): Checked };

describe("a cell of JavaScript", () => {
  /** Cells one after the other in one global scope. @returns the last one's value */
  async function run(...cells: readonly string[]): Promise<unknown> {
    const context = { Promise, setTimeout, console };
    let value: unknown;
    for (const source of cells) {
      const { code, isAsync } = transform(source);
      value = runInNewContext(code, context);
      if (isAsync) value = ((await value) as { value: unknown } | undefined)?.value;
    }
    return value;
  }

  it.each([
    ["const x = 1; x + 1", 2],
    ["let { a, b: [c] } = { a: 1, b: [2] }; a + c", 3],
    ["class A { static n = 5 }\nA.n", 5],
    ["function f() { return 6 }\nf()", 6],
    ["await Promise.resolve(7)", 7],
    ["const x = await Promise.resolve(4); const y = 4; x + y", 8],
    ["for (const x of [1]) { var y = x }\ny", 1],
    ["if (true) { const inner = 1 }\ntypeof inner", "undefined"],
  ])("%s", async (source, value) => {
    expect(await run(source)).toBe(value);
  });

  it("declares names again, with and without await", async () => {
    expect(await run("const x = 1", "const x = 2", "let x = await 3", "class x {}", "typeof x")).toBe("function");
    expect(await run("const f = () => g(); function g() { return 1 }", "function g() { return 2 }", "f()")).toBe(2);
  });

  it.each([
    "console.log(1 + 1)",
    "a\nb;\n",
    ";",
    "[1, 2].map(x => x * x)",
    "async () => 1",
    "outlet(1)",
    "// nothing",
    "",
  ])("is plain, and changed by nothing: %j", (source) => {
    expect(isPlain(source)).toBe(true);
    expect(transform(source)).toMatchObject({ code: source, isAsync: false, columnOffset: 0, shifts: [] });
  });

  it.each([
    ...["let x = 1", "x; let\ny", "await x", "import('node:fs')", "class A {}", "const x = 1", "export default 1"],
    ...["{ a: 1 }", "a: 1", "if (x) 5", "for await (const x of y) z", "using x = y", "#!/usr/bin/node\n5"],
    ...[
      "function f() {}",
      "l\\u0065t x",
      "var x",
      "import x from 'y'",
      "throw 1",
      "f(await x)",
      "5;;",
      "1;/**/;",
      "a; b",
    ],
  ])("is not plain: %j", (source) => expect(isPlain(source)).toBe(false));

  it("keeps lines where they are", () => {
    const source = "const a = 1\n\nawait a\n// comment\nclass B {}\n";
    expect(
      transform(source)
        .code.split("\n")
        .slice(0, 5)
        .map((line) => /a|comment|B|^$/.test(line)),
    ).toEqual(Array(5).fill(true));
  });
});

describe("whether a cell is whole", () => {
  it.each([
    ["f(1)", "complete", ""],
    ["function f() {", "incomplete", "  "],
    ["const s = `open", "incomplete", ""],
    ["f(1))", "invalid", ""],
    ["const const", "invalid", ""],
    ["", "complete", ""],
  ])("%j is %s", (source, status, indent) => {
    expect(check(source)).toEqual({ status, indent });
  });
});
