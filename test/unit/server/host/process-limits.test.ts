import { describe, expect, it } from "vitest";
import { inspectLimits } from "../../../../server/src/host/process-limits.js";

describe("the limits of this process", () => {
  it("are told in VMs, each with what to do when it is low, and none keeps a VM from running", () => {
    const findings = inspectLimits();
    expect(findings.length).toBeGreaterThan(3);
    for (const { level, what, remedy } of findings) {
      expect(what).not.toMatch(/NaN|undefined|Infinity|-\d/);
      expect(level).not.toBe("fail");
      if (level === "warn") expect(remedy).toBeTruthy();
    }
    expect(findings.map(({ what }) => what).join("\n")).toMatch(/RLIMIT_NOFILE\): \d+, enough for \d+ VMs/);
  });
});
