import { describe, expect, it } from "vitest";
import { CellReader, type CellStatus } from "../../../../../server/src/cli/repl/cell-reader.js";
import { LineQueue, type LineSource } from "../../../../../server/src/cli/repl/line-queue.js";

/** As the guest's check does it, for what these tests type: a block is whole with an empty line, a bracket when closed. */
function check(code: string): CellStatus {
  const lines = code.split("\n");
  if (code.includes("!")) return "invalid";
  if (code.split("(").length > code.split(")").length) return "incomplete";
  if (lines.at(-1)?.trim() === "") return lines.at(-2)?.endsWith(":") ? "incomplete" : "complete";
  const last = lines.filter((line) => line !== "").at(-1) ?? "";
  return /^\s|:$/.test(last) ? "incomplete" : "complete";
}

/** Lines that came together, or were typed one by one. */
class Lines implements LineSource {
  readonly prompts: string[] = [];
  readonly queue = new LineQueue();

  constructor(text = "") {
    for (const line of text === "" ? [] : text.split("\n")) this.type(line);
  }

  type(text: string): void {
    this.queue.push({ kind: "line", text });
  }

  next(prompt: string) {
    this.prompts.push(prompt);
    return this.queue.take();
  }

  peek() {
    return this.queue.peek();
  }
}

async function cells(lines: Lines, runsUnfinished = true): Promise<string[]> {
  lines.queue.push({ kind: "end" });
  const reader = new CellReader(lines, async (code) => check(code), runsUnfinished);
  const found: string[] = [];
  for (let cell = await reader.next(); cell !== undefined; cell = await reader.next()) found.push(cell);
  return found;
}

describe("cells of lines that come together", () => {
  it.each([
    ["statements", "a = 1\nb = 2\na", ["a = 1", "b = 2", "a"]],
    ["nothing but empty lines", "\n  \n\n", []],
    ["a block and what follows it at once", "def f():\n    return 1\nf()", ["def f():\n    return 1", "f()"]],
    [
      "a block with empty lines in it",
      "def f():\n    a = 1\n\n    return a\n\nf()",
      ["def f():\n    a = 1\n\n    return a\n", "f()"],
    ],
    ["clauses", "if a:\n    b\nelse:\n    c\nd", ["if a:\n    b\nelse:\n    c", "d"]],
    ["clauses behind an empty line", "try:\n    b\n\nfinally:\n    c\n", ["try:\n    b\n\nfinally:\n    c\n"]],
    ["a name that begins like a clause", "elsewhere = 1\nfinally_ = 2", ["elsewhere = 1", "finally_ = 2"]],
    ["an open bracket", "f(1,\n2)\nb", ["f(1,\n2)", "b"]],
    ["what can never be whole", "a !\nb", ["a !", "b"]],
    ["an indented line that belongs nowhere", "a = 1\n  b = 2\nc", ["a = 1\n  b = 2", "c"]],
  ])("%s", async (_, text, expected) => {
    expect(await cells(new Lines(text))).toEqual(expected);
  });

  it("runs what the end of a file leaves unfinished, and not what a person began", async () => {
    expect(await cells(new Lines("a\nf(1,"))).toEqual(["a", "f(1,"]);
    expect(await cells(new Lines("a\nf(1,"), false)).toEqual(["a"]);
  });
});

describe("cells that are typed", () => {
  it("asks for more of a block until a line is empty", async () => {
    const lines = new Lines();
    const reader = new CellReader(lines, async (code) => check(code), false);
    const cell = reader.next();
    for (const line of ["for x in y:", "    x", "   "]) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      lines.type(line);
    }
    expect(await cell).toBe("for x in y:\n    x\n");
    expect(lines.prompts).toEqual([">>> ", "... ", "... "]);
  });

  it("forgets on Ctrl-C what was begun", async () => {
    const lines = new Lines("f(");
    const reader = new CellReader(lines, async (code) => check(code), false);
    const cell = reader.next();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(reader.begun).toEqual(["f("]);
    lines.queue.interrupt();
    lines.type("g");
    expect(await cell).toBe("g");
    expect(lines.prompts.slice(-1)).toEqual([">>> "]);
  });
});
