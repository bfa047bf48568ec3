import { describe, expect, it } from "vitest";
import { FAILURES, failureInfo } from "../../../client/src/protocol/codes.js";

/** Close codes a server may send, RFC 6455 and IANA, beside the 4xxx of this protocol. */
const STANDARD = [1000, 1001, 1003, 1007, 1008, 1009, 1011];

describe("the registry of failures", () => {
  it.each(Object.entries(FAILURES))("%s is complete and legal", (code, { closeCode, httpStatus, meaning }) => {
    expect(code).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
    expect(httpStatus).toBeGreaterThanOrEqual(400);
    expect(httpStatus).toBeLessThan(600);
    if (closeCode !== null && !STANDARD.includes(closeCode)) {
      expect(closeCode).toBeGreaterThanOrEqual(4000);
      expect(closeCode).toBeLessThan(5000);
    }
  });

  it("gives every close code of its own to one code only", () => {
    const own = Object.values(FAILURES).flatMap(({ closeCode }) =>
      closeCode !== null && closeCode >= 4000 ? [closeCode] : [],
    );
    expect(new Set(own).size).toBe(own.length);
  });

  it("knows nothing of what is not in it", () => {
    expect(failureInfo("no_such_code")).toBeUndefined();
    expect(failureInfo("toString")).toBeUndefined();
    expect(failureInfo("internal")?.closeCode).toBe(1011);
  });
});
