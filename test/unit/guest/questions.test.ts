import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../../native/guest/build/index.js";

/** The guest's own version: the modules use what older ones lack. */
const VERSION = "3.11";
const AGENT = join(packageRoot(), "native/guest/agents/python");

/** Asks the agent's modules, without an agent: a question in JSON per line, an answer in JSON per line. */
const DRIVER = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from zeroboot import check, complete
for line in sys.stdin:
    question = json.loads(line)
    if "cursor" in question:
        namespace = {"__builtins__": __builtins__}
        exec(question["setup"], namespace)
        answer = complete.complete(namespace, question["code"], question["cursor"])
    else:
        answer = check.check(question["code"])
    print(json.dumps(answer), flush=True)
`;

interface Completions {
  matches: string[];
  start: number;
  end: number;
}

/** The interpreter of all questions; they do not know of each other. */
let python: ChildProcessByStdio<Writable, Readable, null>;
let answers: AsyncIterator<string>;

beforeAll(() => {
  if (!usable) return;
  python = spawn("python3", ["-c", DRIVER, AGENT], { stdio: ["pipe", "pipe", "inherit"] });
  answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
});
afterAll(() => python?.stdin.end());

async function ask<Answer>(question: object): Promise<Answer> {
  python.stdin.write(`${JSON.stringify(question)}\n`);
  return JSON.parse((await answers.next()).value);
}

/** `|` in the code is the cursor; the code points are what counts. */
function complete(marked: string, setup = ""): Promise<Completions> {
  const points = [...marked];
  const cursor = points.indexOf("|");
  return ask({ setup, code: points.filter((_, i) => i !== cursor).join(""), cursor });
}

async function matches(marked: string, setup = ""): Promise<string[]> {
  return (await complete(marked, setup)).matches;
}

const interpreter = spawnSync("python3", ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"], {
  encoding: "utf8",
});
const usable = interpreter.status === 0 && interpreter.stdout.trim() === VERSION;
if (!usable) console.warn(`  python3 is not ${VERSION} here: the agent's modules are tested in VMs only`);

describe.skipIf(!usable)("completion", () => {
  it.each([
    ["a variable", "alp|", "alpha = alphabet = 1", ["alpha", "alphabet"]],
    ["a builtin", "isins|", "", ["isinstance"]],
    ["a keyword", "nonl|", "", ["nonlocal"]],
    ["the user's own names when nothing is typed", "|", "b = a = _hidden = 1", ["a", "b"]],
    ["a module's attribute", "p.joi|", "import os.path as p", ["join"]],
    ["a dotted name's", "os.path.ext|", "import os", ["extsep"]],
    ["across spaces", "os . path . extse|", "import os", ["extsep"]],
    ["a string's", '"".jo|', "", ["join"]],
    ["a bytes literal's", "b''.hex|", "", ["hex"]],
    ["a number's", "1.5.is_|", "", ["is_integer"]],
    ["an empty list's", "[].app|", "", ["append"]],
    ["inside a call", "print(os.extse|)", "import os", ["extsep"]],
    ["in the middle of a word, before the cursor", "alp|haxxx", "alpha = 1", ["alpha"]],
    ["in a line whose indentation fits nothing", "if 1:\n    a\n  alp|", "alpha = 1", ["alpha"]],
    ["in a nested function's half", "def f():\n    return alp|", "alpha = 1", ["alpha"]],
    ["a module to import", "import statist|", "", ["statistics"]],
    ["a second one", "import os, statist|", "", ["statistics"]],
    ["a package's module that is not imported", "import xml.dom.minid|", "", ["minidom"]],
    ["the keyword after from's module", "from os imp|", "", ["import"]],
    ["what a module has", "from os import extse|", "import os", ["extsep"]],
    ["what a package has in files", "from xml.dom import minid|", "", ["minidom"]],
    ["private names once begun", "t._|", "class T: _x = __y = 1\nt = T()", ["_T__y", "_x"]],
  ])("finds %s", async (_what, marked, setup, expected) => {
    expect(await matches(marked, setup)).toEqual(expected);
  });

  it.each([
    ["in a string", '"os.pa|', ""],
    ["in a closed string", 'print("alp|")', "alpha = 1"],
    ["in a string of many lines", "'''\nalp|", "alpha = 1"],
    ["in a comment", "x # alp|", "alpha = 1"],
    ["for a call's value", "f().alp|", "def f(): raise SystemExit"],
    ["for an element", "a[0].rea|", "a = [1]"],
    ["for a name that is not there", "nothing.x|", ""],
    ["for a relative import", "from . import x|", ""],
    ["for a property's value", "t.p.rea|", "class T:\n    @property\n    def p(self): raise SystemExit\nt = T()"],
  ])("finds nothing %s", async (_what, marked, setup) => {
    expect(await matches(marked, setup)).toEqual([]);
  });

  it("counts in code points", async () => {
    expect(await complete("'\u{1F40D}é'; alp|", "alpha = 1")).toEqual({ matches: ["alpha"], start: 6, end: 9 });
  });

  it("takes a cursor beyond the end as the end", async () => {
    expect(await ask({ setup: "alpha = 1", code: "alp", cursor: 99 })).toEqual({
      matches: ["alpha"],
      start: 0,
      end: 3,
    });
  });

  it("is sorted and bounded", async () => {
    const found = await matches("v|", "for i in range(1000): globals()[f'v{i:04}'] = i");
    expect(found).toHaveLength(100);
    expect(found).toEqual([...found].sort());
    expect(found[0]).toBe("v0000");
  });

  it("survives objects that do as they like", async () => {
    const setup = `
class Hostile:
    def __getattr__(self, name): raise RuntimeError
    def __dir__(self): return ["x" * 10**6, "good", "not a name", "\\ud800", type("S", (str,), {})("s")]
class Worse:
    def __dir__(self): raise RecursionError
    def method(self): pass
class Meta(type):
    def __getattribute__(self, name): raise ValueError
class Worst(metaclass=Meta):
    __class__ = 3
h, w, o = Hostile(), Worse(), Worst()
globals()[7] = 1`;
    expect(await matches("h.|", setup)).toEqual(["good"]);
    expect(await matches("h.x.y|", setup)).toEqual([]);
    expect(await matches("w.meth|", setup)).toEqual(["method"]);
    expect(await complete("o.|", setup)).toMatchObject({ start: 2, end: 2 });
    expect(await matches("o.a.b|", setup)).toEqual([]);
    expect(await matches("Worst.x.y|", setup)).toEqual([]);
  });

  it("stays small whatever the names are", async () => {
    const setup =
      "class T:\n    def __dir__(self): return [chr(0x20000) * 200 + str(i) for i in range(10**4)]\nt = T()";
    expect(JSON.stringify(await complete("t.|", setup)).length).toBeLessThan(128 * 1024);
  });
});

describe.skipIf(!usable)("the check for a whole cell", () => {
  it.each([
    ["", "complete", ""],
    ["x = 1", "complete", ""],
    ["# nothing", "complete", ""],
    ["x = 1\ny = 2", "complete", ""],
    ["def f():", "incomplete", "    "],
    ["def f():\n    return 1", "incomplete", "    "],
    ["def f():\n    return 1\n", "complete", ""],
    ["def f():\n    return 1\nf()", "complete", ""],
    ["class A: pass", "incomplete", ""],
    ["class A: pass\n", "complete", ""],
    ["if x:\n\tif y:  # why", "incomplete", "\t\t"],
    ["if x:\n  if y:\n    z", "incomplete", "    "],
    ["if x:\n    y\n    ", "complete", ""],
    ["try:\n    x", "incomplete", "    "],
    ["@decorated", "incomplete", ""],
    ["f(1,", "incomplete", ""],
    ["x = {'a':", "incomplete", ""],
    ["x = 1 + \\", "incomplete", ""],
    ["    '''a\n    b:", "invalid", ""],
    ["x = '''a\n    b:", "incomplete", ""],
    ["if x:\r\n    y", "incomplete", "    "],
    ["x = 'a", "invalid", ""],
    ["a b", "invalid", ""],
    ["return 1", "invalid", ""],
    ["\0", "invalid", ""],
  ])("of %j says %s", async (code, status, indent) => {
    expect(await ask({ code })).toEqual({ status, indent });
  });

  it.each([["("], ["-"], ["[a for a in "]])("survives depth: %s", async (part) => {
    expect(await ask({ code: `${part.repeat(20_000)}1` })).toMatchObject({ indent: "" });
  });
});
