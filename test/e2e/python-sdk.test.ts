import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../helpers/pages.js";
import { type Ended, runProgram } from "../helpers/program.js";
import { PYTHON_ENVIRONMENT, WITHOUT_PYTHON } from "../helpers/python.js";
import { ServerProcess } from "../helpers/server-process.js";

const CLEANED_WITHIN_MS = 60_000;
const LONGEST_PROGRAM_MS = 600_000;
const KEY = "zb_live_python";

let server: ServerProcess;
const scratch = mkdtempSync(join(tmpdir(), "zeroboot-python-"));
beforeAll(async () => {
  const keys = join(scratch, "keys.json");
  writeFileSync(keys, JSON.stringify([KEY]));
  server = await ServerProcess.ready(["--api-keys-file", keys]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
  rmSync(scratch, { recursive: true });
});

function python(name: string): Promise<Ended> {
  const env = { ...PYTHON_ENVIRONMENT, ZEROBOOT_API_KEY: KEY, ZEROBOOT_BASE_URL: server.url };
  return runProgram("python3", [join(REPOSITORY, "test/e2e/python", name)], { env });
}

describe.skipIf(WITHOUT_PYTHON)("the Python SDK", { timeout: LONGEST_PROGRAM_MS }, () => {
  it("runs what the original's documents show", async () => {
    const { stdout, stderr, exitCode } = await python("sandbox_examples.py");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")).toEqual([
      "2",
      "4.5",
      `{'success': True, 'output': '{"value": 42}'}`,
      String.raw`{"success": true, "output": "{\"value\": 42}"}`,
      ...Array.from({ length: 10 }, (_, i) => `[${i}] ${i ** 2}`),
      "2",
      "6",
      String(Math.PI),
      String.raw`['out\n', 'err', 3, True]`,
      String.raw`['early\n', 124, True]`,
      "ok",
      "unauthorized 401",
      "",
    ]);
  });

  it("has sessions with state, streams, input, interrupts and an end", async () => {
    const { stdout, stderr, exitCode } = await python("session_checks.py");
    console.log(stdout);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^all$/m);
    expect(await server.emptied(CLEANED_WITHIN_MS)).toBeLessThan(CLEANED_WITHIN_MS);
  });
});
