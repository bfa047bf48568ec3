import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ensureArtefacts, packageRoot } from "../../native/guest/build/index.js";
import { runProgram } from "../helpers/program.js";

/** The C++ tests on real VMs; `make -C native engine-tests` builds them. */
const PROGRAM = join(packageRoot(), "native/build/engine-tests");
const NAMES = execFileSync(PROGRAM, ["--list"], { encoding: "utf8" }).trim().split("\n");
const LONGEST_RUN_MS = 1_500_000;

describe("the engine, without Node", () => {
  const outcomes = new Map<string, string>();
  let all = "";

  beforeAll(async () => {
    const { kernelPath, rootImagePath, symbols } = await ensureArtefacts();
    const directory = mkdtempSync(join(tmpdir(), "zeroboot-engine-"));
    try {
      const ran = await runProgram(PROGRAM, [
        ...[kernelPath, rootImagePath, "--snapshot", join(directory, "python.zbt")],
        ...Object.entries(symbols).flatMap(([name, gpa]) => ["--symbol", `${name}=${gpa}`]),
      ]);
      all = ran.stdout + ran.stderr;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    for (const line of all.split("\n")) {
      const name = /^(?:ok {2}|FAIL) (\S+)/.exec(line)?.[1];
      if (name !== undefined) outcomes.set(name, line);
    }
  }, LONGEST_RUN_MS);

  it("has tests", () => {
    expect(NAMES.length).toBeGreaterThan(20);
  });

  for (const name of NAMES) {
    it(name, () => {
      const line = outcomes.get(name);
      console.log(line);
      expect(line ?? `${name} did not run`, all).toMatch(/^ok /);
    });
  }
});
