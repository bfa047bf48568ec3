import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

/** Of 10; a unit without any of it has 9.2. */
const EXPOSURE_BOUND = 4;

const text = readFileSync(new URL("../../../docs/deploy/zeroboot.service", import.meta.url), "utf8");
const scratch = mkdtempSync(join(tmpdir(), "zeroboot-systemd-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const missing = spawnSync("systemd-analyze", ["--version"]).error !== undefined;
if (missing) console.warn("\n  THE SYSTEMD UNIT IS NOT VERIFIED: there is no systemd-analyze\n");

/** @param unit what stands in the unit's place: a command that there is */
function analyze(...args: readonly string[]) {
  const unit = join(scratch, "zeroboot.service");
  writeFileSync(unit, text.replace(/^ExecStart=\S+ \S+$/m, `ExecStart=${process.execPath} ${process.execPath}`));
  const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args, unit], { encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

describe.skipIf(missing)("the systemd unit", () => {
  it("is one, without a complaint", () => {
    expect(analyze("verify")).toEqual({ status: 0, output: "" });
  });

  it("leaves the service little of the machine", () => {
    const { output } = analyze("security", "--offline=true", "--no-pager");
    const exposure = Number(/Overall exposure level for zeroboot\.service: ([\d.]+)/.exec(output)?.[1]);
    console.log(`exposure ${exposure}`);
    expect(exposure).toBeLessThan(EXPOSURE_BOUND);
  });
});

describe("the systemd unit's file", () => {
  it("starts node itself", () => {
    expect(text).toMatch(/^ExecStart=\/usr\/bin\/node \/opt\/zeroboot\/dist\/server\/src\/main\.js$/m);
  });
});
