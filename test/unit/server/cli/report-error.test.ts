import { describe, expect, it } from "vitest";
import { describeError } from "../../../../server/src/cli/report-error.js";
import { ServerError } from "../../../../server/src/errors.js";

describe("an error on the terminal", () => {
  it("is what, its code and what to do", () => {
    expect(describeError(new ServerError("port_in_use", "taken", { remedy: "Choose another." }))).toEqual([
      "zeroboot: taken (port_in_use)",
      "  Choose another.",
    ]);
  });

  it("says what to do about KVM, which the engine does not know", () => {
    const [first, remedy] = describeError(Object.assign(new Error("no /dev/kvm"), { code: "kvm_missing" }));
    expect(first).toBe("zeroboot: no /dev/kvm (kvm_missing)");
    expect(remedy).toMatch(/sudo/);
  });

  it("shows where a bug is", () => {
    expect(describeError(new TypeError("oops")).join("\n")).toMatch(/TypeError: oops\n\s+at /);
    expect(describeError("text")).toEqual(["zeroboot: text"]);
  });

  it("shows the guest's last lines without what a terminal would obey", () => {
    const console = `${Array.from({ length: 20 }, (_, at) => `line ${at}`).join("\n")}\n\x1b[2J\x07panic\r\n\n`;
    const lines = describeError(Object.assign(new Error("it died"), { code: "template_failed", console }));
    expect(lines).toHaveLength(1 + 12);
    expect(lines.at(-1)).toBe("  guest: [2Jpanic");
    expect(lines[1]).toBe("  guest: line 9");
  });
});
