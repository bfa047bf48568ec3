import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MimeBundle, Session } from "../../client/src/index.js";
import { roomy } from "../helpers/machine.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const PROMPTLY_MS = roomy(5_000);

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--template", "python-data"]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

/** A picture's size, and how many colours are in it. */
function pictureOf(bundle: MimeBundle | undefined): { width: number; height: number; colours: number } {
  const { width, height, data } = PNG.sync.read(Buffer.from(bundle?.["image/png"] ?? []));
  const colours = new Set<number>();
  for (let at = 0; at < data.length; at += 4) colours.add(data.readUInt32BE(at));
  return { width, height, colours: colours.size };
}

describe("data and pictures", () => {
  it("shows a DataFrame as text and as HTML, and a figure without being asked to", async () => {
    await using session = await Session.connect({ url: server.url, template: "python-data" });
    const frame = await session.run(
      "import pandas as pd\nframe = pd.DataFrame({'n': [1, 2, 3], 'name': ['a', 'b', 'c']})\nframe",
    );
    expect(frame.result?.["text/plain"]).toContain("0  1    a");
    expect(frame.result?.["text/html"]).toMatch(/^<div>[\s\S]*<td>a<\/td>[\s\S]*<\/div>$/);
    expect(frame.displays).toEqual([]);
    expect((await session.run("int(frame.n.sum()), frame.describe().shape")).result?.["text/plain"]).toBe(
      "(6, (8, 1))",
    );

    const shown: MimeBundle[] = [];
    const plotted = await session.run(
      "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3], [1, 4, 9], color='red')\nplt.title('Squares')\nNone",
      { onDisplay: (bundle) => shown.push(bundle), timeoutMs: 300_000 },
    );
    expect({ status: plotted.status, stderr: plotted.stderr }).toEqual({ status: "ok", stderr: "" });
    expect(plotted.displays).toEqual(shown);
    expect(shown.length).toBe(1);
    const { width, height, colours } = pictureOf(shown[0]);
    console.log(`a figure of ${width} x ${height} with ${colours} colours, ${shown[0]?.["image/png"]?.length} bytes`);
    expect(width).toBeGreaterThan(300);
    expect(height).toBeGreaterThan(200);
    expect(colours).toBeGreaterThan(10);
    expect(shown[0]?.["text/plain"]).toMatch(/^<Figure size \d+x\d+ with 1 Axes>$/);
    // It is shown once, and closed.
    expect((await session.run("plt.get_fignums()")).result?.["text/plain"]).toBe("[]");

    const asked = await session.run("frame.plot(x='name', y='n', kind='bar')\nplt.show()\nprint('after')", {
      timeoutMs: 300_000,
    });
    expect(asked.displays.length).toBe(1);
    expect(pictureOf(asked.displays[0]).colours).toBeGreaterThan(10);
    expect(asked.stdout).toBe("after\n");
  });

  it("shows what objects say of themselves, in its place among the output", async () => {
    using client = await RawClient.ready(server.url);
    const code = `class Rich:
    def __repr__(self): return 'plain'
    def _repr_html_(self): return '<b>rich</b>'
    def _repr_svg_(self): return '<svg/>'
    def _repr_png_(self): return b'\\x89PNG'
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None): return {'application/json': {'a': 1}, 'text/markdown': '*b*'}
class Broken:
    def _repr_html_(self): raise ValueError('no')
    def __repr__(self): return 'broken'
for i in range(3):
    print(i)
    display(i)
display(Bundle(), Broken())
Rich()`;
    const { types, done, result } = await client.run(code);
    expect(done).toMatchObject({ status: "ok", truncated: false });
    expect(result).toBe("plain");
    const order = types.filter((type) => type === "stdout" || type === "display" || type === "result");
    expect(order.join(" ")).toMatch(/^(stdout )+display (stdout )+display (stdout )+display display display result$/);
    const bundles = client.frames.filter(({ type }) => type === "display").map(({ bundle }) => bundle);
    expect(bundles.slice(0, 3)).toEqual([{ "text/plain": "0" }, { "text/plain": "1" }, { "text/plain": "2" }]);
    expect(bundles[3]).toMatchObject({ "application/json": '{"a": 1}', "text/markdown": "*b*" });
    expect(bundles[4]).toEqual({ "text/plain": "broken" });
    expect(client.frames.find(({ type }) => type === "result")?.bundle).toMatchObject({
      "text/html": "<b>rich</b>",
      "image/svg+xml": "<svg/>",
      "image/png": Buffer.from("\x89PNG", "latin1"),
    });
  });

  it("bounds what is shown", async () => {
    using client = await RawClient.ready(server.url);
    const code =
      "class Huge:\n    def __repr__(self): return 'r' * 5_000_000\n    def _repr_html_(self): return 'h' * 5_000_000\nHuge()";
    const { done, result } = await client.run(code);
    expect(done).toMatchObject({ status: "ok", truncated: true });
    expect(String(result).length).toBeGreaterThan(1000);
    expect(String(result).length).toBeLessThanOrEqual(960 * 1024);
  });
});

describe("cells that are more than Python", () => {
  it("awaits at the top, and can be interrupted there", async () => {
    await using session = await Session.connect({ url: server.url });
    const code = `import asyncio
async def count(n):
    for i in range(n):
        await asyncio.sleep(0.001)
        yield i
print([i async for i in count(3)])
await asyncio.sleep(0.01, result='slept')`;
    expect(await session.run(code)).toMatchObject({
      status: "ok",
      stdout: "[0, 1, 2]\n",
      result: { "text/plain": "'slept'" },
    });
    for (const waiting of ["await asyncio.sleep(1000)", "while True: await asyncio.sleep(0)"]) {
      const run = session.run(`kept = 1\nprint('begun', flush=True)\n${waiting}`);
      for await (const part of run.stdout) if (part.includes("begun")) break;
      const start = performance.now();
      await run.interrupt();
      const { status, stateKept } = await run;
      console.log(`${waiting}: ${Math.round(performance.now() - start)} ms`);
      expect({ status, stateKept }).toEqual({ status: "interrupted", stateKept: true });
      expect(performance.now() - start).toBeLessThan(PROMPTLY_MS);
    }
    expect((await session.run("kept")).result?.["text/plain"]).toBe("1");
  });

  it("runs lines of shell, and programs", async () => {
    await using session = await Session.connect({ url: server.url });
    const code =
      "x = 3\nif x:\n    !echo one; echo two >&2\nprint('!not this')\nprint(_exit_code)\n!exit 4\nprint(_exit_code)";
    const ran = await session.run(code);
    expect({ stdout: ran.stdout, stderr: ran.stderr, status: ran.status }).toEqual({
      stdout: "one\n!not this\n0\n4\n",
      stderr: "two\n",
      status: "ok",
    });
    const wrong = await session.run("!true\n1 +");
    expect(wrong.error).toMatchObject({ name: "SyntaxError" });
    expect(wrong.error?.traceback).toContain("line 2");
    const program = "import subprocess\nsubprocess.run(['cat'], input='in', text=True, capture_output=True).stdout";
    expect((await session.run(program)).result?.["text/plain"]).toBe("'in'");
  });

  it("tells what an object is, and completes from what there is", async () => {
    await using session = await Session.connect({ url: server.url });
    await session.run(
      "import pandas as pd\nframe_of_mine = pd.DataFrame()\ndef area(width: int, height=2):\n    'The area.'\n    return 1",
    );
    const of = await session.inspect("area(");
    expect(of.found).toBe(true);
    expect(of.bundle["text/plain"]).toMatch(/Signature:\s+area\(width: int, height=2\)[\s\S]*The area\./);
    expect((await session.inspect("frame_of_mine")).bundle["text/plain"]).toContain("DataFrame");
    expect(await session.inspect("nothing_of_this_name")).toMatchObject({ found: false });
    expect((await session.complete("frame_of_m")).matches).toContain("frame_of_mine");
    expect((await session.complete("frame_of_mine.desc")).matches.join(" ")).toContain("describe");
  });
});

describe("what the original's pages show", () => {
  it("runs: numpy, code of several lines, async code", async () => {
    await using session = await Session.connect({ url: server.url });
    expect((await session.run("import numpy as np; print(np.random.rand(3).shape)")).stdout).toBe("(3,)\n");
    expect((await session.run("import numpy as np\narr = np.arange(10)\nprint(arr.mean())")).stdout).toBe("4.5\n");
    expect(
      (await session.run("def fib(n):\n    return n if n < 2 else fib(n-1) + fib(n-2)\n\nprint(fib(10))")).stdout,
    ).toBe("55\n");
    const async_ =
      "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 'ok'\nprint(asyncio.run(main()))";
    expect((await session.run(async_)).stdout).toBe("ok\n");
    // The loop that cells await with is still theirs.
    expect((await session.run("await asyncio.sleep(0, 'again')")).result?.["text/plain"]).toBe("'again'");
  });

  it("draws numbers of its own in each session", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await using session = await Session.connect({ url: server.url });
      seen.add((await session.run("import numpy as np, random; print(np.random.rand(), random.random())")).stdout);
    }
    expect(seen.size).toBe(3);
  });
});
