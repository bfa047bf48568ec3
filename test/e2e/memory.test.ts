import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawClient } from "../helpers/raw-client.js";
import { EMPTY_WITHIN_MS } from "../helpers/released.js";
import { ServerProcess } from "../helpers/server-process.js";

/**
 * What cells allocate first is in the template already: a cell that takes 6 to 20 MB takes no fault, or a few, in the
 * guest's kernel, where each page of it would be one.
 */
const FEW_FAULTS = 64;

const PYTHON = `
import resource, json
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
texts = [str(i) for i in range(100000)]
table = dict(enumerate(texts))
again = json.loads(json.dumps(texts))
import numpy as np
ones = np.ones(500000)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(json.dumps({"faults": faults, "right": again == texts and table[99999] == "99999" and bool(ones.all())}))
del texts, table, again, ones
zeroes = np.zeros(1000000)
print(json.dumps({"zero": not zeroes.any()}))`;

const NODE = `
{
  const before = process.resourceUsage().minorPageFault;
  const objects = [];
  for (let i = 0; i < 50000; i++) objects.push({ i, text: String(i) });
  const again = JSON.parse(JSON.stringify(objects));
  const bytes = Buffer.alloc(4 << 20, 1);
  const faults = process.resourceUsage().minorPageFault - before;
  const right = again.every(({ i, text }, at) => i === at && text === String(at)) && bytes.every((byte) => byte === 1);
  console.log(JSON.stringify({ faults, right }));
}
console.log(JSON.stringify({ zero: new Uint8Array(4 << 20).every((byte) => byte === 0) }));`;

/** More than is there in advance, several times over: areas come from the kernel too, and are used again. */
const NODE_MORE = `
{
  let right = true;
  for (let round = 0; round < 3; round++) {
    const kept = Array.from({ length: 40 }, (_, n) => new Array(100000).fill(n + round));
    const small = Array.from({ length: 60000 }, (_, i) => ({ i, pair: [i, i + round] }));
    right &&= kept.every((array, n) => array[0] === n + round && array[99999] === n + round);
    right &&= small.every(({ i, pair }, at) => i === at && pair[1] === at + round);
  }
  console.log(JSON.stringify({ right }));
}`;

const CHILD = {
  python: `import os, subprocess
print(subprocess.run(["env"], capture_output=True, text=True).stdout.count("zeroboot"), "GLIBC_TUNABLES" in os.environ)`,
  node: `console.log(require("child_process").execSync("env | grep -c -e zeroboot -e TUNABLES; true").toString().trim(),
  "LD_PRELOAD" in process.env)`,
};

describe.each([
  ["python", PYTHON],
  ["node", NODE],
] as const)("memory that %s has in advance", (template, cell) => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.ready(["--template", template]);
  });
  afterAll(async () => {
    await server.emptied(EMPTY_WITHIN_MS);
    expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
  });

  it("is what cells get, and it is zero where they may rely on that", { timeout: 120_000 }, async () => {
    using client = await RawClient.ready(server.url);
    const { stdout, stderr, done } = await client.run(cell, { timeoutMs: 100_000 });
    expect({ stderr, status: done.status }).toEqual({ stderr: "", status: "ok" });
    const [first = "", second = ""] = stdout.trim().split("\n");
    const { faults, right } = JSON.parse(first);
    console.log(`${template}: ${faults} faults`);
    expect(right).toBe(true);
    expect(faults).toBeLessThan(FEW_FAULTS);
    expect(JSON.parse(second)).toEqual({ zero: true });
  });

  it("is no matter of the children's", { timeout: 120_000 }, async () => {
    using client = await RawClient.ready(server.url);
    const { stdout } = await client.run(CHILD[template], { timeoutMs: 100_000 });
    expect(stdout).toBe(template === "python" ? "0 False\n" : "0 false\n");
  });

  if (template === "node") {
    it("does not limit what they may have", { timeout: 300_000 }, async () => {
      using client = await RawClient.ready(server.url);
      const { stdout, done } = await client.run(NODE_MORE, { timeoutMs: 280_000 });
      expect(done.status).toBe("ok");
      expect(JSON.parse(stdout)).toEqual({ right: true });
    });
  }
});
