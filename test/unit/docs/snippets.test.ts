import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { markdownPages } from "../../helpers/pages.js";
import {
  atServer,
  consoleSteps,
  extractSnippets,
  matchesOutput,
  programOutput,
  type Snippet,
} from "../../helpers/snippets.js";

function snippet(kind: Snippet["kind"], text: string): Snippet {
  return { file: "page.md", line: 1, kind, text };
}

describe("the code blocks of the pages", () => {
  // Throws for a block of a kind nobody knows how to run or to leave alone.
  const all = markdownPages().flatMap(({ path, text }) => extractSnippets(text, path));
  const place = ({ file, line }: Snippet): string => `${file}:${line}`;
  const of = (...kinds: Snippet["kind"][]) => all.filter(({ kind }) => kinds.includes(kind));

  it.each(["console run", "console server", "ts server", "python server"] as const)(
    "show how it is used: %s",
    (kind) => {
      expect(of(kind)).not.toHaveLength(0);
    },
  );

  it.each(of("console run", "console server").map((one) => [place(one), one] as const))(
    "are commands with what they print: %s",
    (_, one) => {
      const steps = consoleSteps(one);
      expect(steps).not.toHaveLength(0);
      for (const { command } of steps) expect(shellSyntax(command)).toBe("");
    },
  );

  it.each(of("ts server", "python server").map((one) => [place(one), one] as const))(
    "are programs that say what they print: %s",
    (_, one) => {
      expect(programOutput(one)).not.toHaveLength(0);
    },
  );

  it.each(of("sh host").map((one) => [place(one), one] as const))("are valid shell: %s", (_, one) => {
    expect(shellSyntax(one.text)).toBe("");
  });

  it.each(of("json").map((one) => [place(one), one] as const))("are valid JSON: %s", (_, one) => {
    expect(() => JSON.parse(one.text)).not.toThrow();
  });
});

describe("extractSnippets", () => {
  it("finds blocks with their kind, text and line", () => {
    const page = "# Title\n\n```console run\n$ true\n```\n\ntext\n\n```text\na\n\nb\n```\n";
    expect(extractSnippets(page, "page.md")).toEqual([
      { file: "page.md", line: 4, kind: "console run", text: "$ true\n" },
      { file: "page.md", line: 10, kind: "text", text: "a\n\nb\n" },
    ]);
  });

  it.each([
    ["of unknown kind", "```bash\ntrue\n```\n", "page.md:2: a code block of unknown kind: ```bash"],
    ["of no kind", "```\ntrue\n```\n", "page.md:2: a code block of unknown kind: ```"],
    ["without an end", "```text\ntrue\n", "page.md:2: a code block without an end"],
    ["in a list", "* a\n\n  ```text\n  b\n  ```\n", "page.md:3: code blocks are not indented"],
  ])("refuses a block %s", (_, page, message) => {
    expect(() => extractSnippets(page, "page.md")).toThrow(message);
  });
});

describe("consoleSteps", () => {
  it("has each command with its output", () => {
    const steps = consoleSteps(snippet("console run", "$ one\n1\n1\n$ two 'a\n> b'\n$ three\n> 3\n"));
    expect(steps).toEqual([
      { command: "one", output: ["1", "1"] },
      { command: "two 'a\nb'", output: [] },
      { command: "three\n3", output: [] },
    ]);
  });

  it("refuses output of nothing", () => {
    expect(() => consoleSteps(snippet("console run", "1\n$ one\n"))).toThrow("output before a command");
  });
});

describe("programOutput", () => {
  it("is what the comments behind console.log say", () => {
    expect(programOutput(snippet("ts server", "const a = 1; // one\nconsole.log(a); // 1\n"))).toEqual(["1"]);
  });

  it("is what the comments behind print say", () => {
    const text = 'run("print(1)")\nif a:\n    print(a, b)  # 1 2\n';
    expect(programOutput(snippet("python server", text))).toEqual(["1 2"]);
    expect(() => programOutput(snippet("python server", "print(a)\n"))).toThrow("what does this print?");
  });

  it("refuses a console.log that does not say", () => {
    expect(() => programOutput(snippet("ts server", "console.log(a);\n"))).toThrow("what does this print?");
  });
});

describe("matchesOutput", () => {
  it.each([
    [["a", "b"], ["a", "b"], true],
    [["a", "b"], ["a"], false],
    [["a"], ["a", "b"], false],
    [[], [], true],
    [[], [""], false],
    [["a...c"], ["abc"], true],
    [["a.c"], ["abc"], false],
    [["(1)+..."], ["(1)+ 2"], true],
    [["...", "z"], ["x", "y", "z"], true],
    [["...", "z"], ["z"], true],
    [["a", "..."], ["a"], true],
    [["a", "..."], ["a", "b", "c"], true],
    [["...", "y", "..."], ["x", "z"], false],
  ])("%j and %j: %s", (expected, printed, answer) => {
    expect(matchesOutput(expected, printed)).toBe(answer);
  });
});

describe("atServer", () => {
  it("puts the server where it is", () => {
    expect(atServer("curl http://127.0.0.1:8080/v1/health; ws://127.0.0.1:8080/x", "http://127.0.0.1:4711")).toBe(
      "curl http://127.0.0.1:4711/v1/health; ws://127.0.0.1:4711/x",
    );
  });
});

/** What bash has to say against a script, without running it. */
function shellSyntax(script: string): string {
  return spawnSync("bash", ["-n"], { input: script, encoding: "utf8" }).stderr;
}
