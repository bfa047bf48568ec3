import { describe, expect, it } from "vitest";
import { FAILURES } from "../../../client/src/protocol/codes.js";
import * as limits from "../../../client/src/protocol/limits.js";
import { runProgram } from "../../helpers/program.js";
import { PYTHON_ENVIRONMENT, PYTHON_SDK, WITHOUT_PYTHON } from "../../helpers/python.js";

const LONGEST_RUN_MS = 120_000;

/** Runs `python3`, which the tests need from 3.9 on (`apt-get install python3`). */
function python(...args: readonly string[]) {
  return runProgram("python3", args, { cwd: PYTHON_SDK, env: PYTHON_ENVIRONMENT });
}

/** The module's constants, as JSON. */
const CONSTANTS = `
import json
from zeroboot import _protocol
print(json.dumps({name: value for name, value in vars(_protocol).items() if name.isupper()}))
`;

describe.skipIf(WITHOUT_PYTHON)("the Python SDK", () => {
  it("passes its own tests", { timeout: LONGEST_RUN_MS }, async () => {
    const { exitCode, stderr } = await python("-W", "error", "-m", "unittest", "discover", "-s", "tests", "-t", ".");
    expect(stderr).toMatch(/^Ran \d\d+ tests/m);
    expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
  });

  it("has the protocol's numbers", async () => {
    const { stdout, stderr } = await python("-c", CONSTANTS);
    expect(stderr).toBe("");
    const { CLOSE_CODES, ...numbers } = JSON.parse(stdout) as Record<string, unknown>;
    const closing = Object.entries(FAILURES).filter(([, { closeCode }]) => closeCode !== null);
    expect(CLOSE_CODES).toEqual(Object.fromEntries(closing.map(([code, { closeCode }]) => [code, closeCode])));
    const known: Readonly<Record<string, unknown>> = { ...limits };
    expect(Object.keys(numbers).length).toBeGreaterThan(10);
    expect(numbers).toEqual(Object.fromEntries(Object.keys(numbers).map((name) => [name, known[name]])));
  });
});
