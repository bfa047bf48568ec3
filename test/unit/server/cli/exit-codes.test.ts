import { describe, expect, it } from "vitest";
import { interrupted } from "../../../../native/guest/build/errors.js";
import { endedWithSession } from "../../../../server/src/cli/exec-result.js";
import { EXIT, exitCodeOf } from "../../../../server/src/cli/exit-codes.js";
import { ServerError } from "../../../../server/src/errors.js";

const coded = (code: string) => Object.assign(new Error(code), { code });

describe("a command's exit code", () => {
  it.each(["kvm_missing", "kvm_forbidden", "kvm_unsuitable"])("is 126 for %s", (code) => {
    expect(exitCodeOf(coded(code))).toBe(126);
  });

  it("is 130 for what was interrupted", () => {
    expect(exitCodeOf(interrupted())).toBe(130);
  });

  it("is 125 for every other failure, bugs included", () => {
    for (const error of [coded("kvm_failed"), new ServerError("port_in_use", ""), new TypeError(), "text", undefined]) {
      expect(exitCodeOf(error)).toBe(125);
    }
  });
});

describe("the exit code of a program whose session ended with it", () => {
  const killed = { status: "killed", exitCode: 137, truncated: false } as const;

  it.each(["guest_panic", "guest_reset", "triple_fault", "agent_exited", "protocol_violation"])(
    "is its own where it may have brought that about: %s",
    (reason) => {
      expect(endedWithSession(killed, reason, "It ended.")).toEqual({ ...killed, failure: `It ended. (${reason})` });
    },
  );

  it.each(["shutting_down", "lifetime_exceeded", "kvm_failed", "emulation_failure", "slow_reader", "connection_lost"])(
    "is that of a failure of ours else: %s",
    (reason) => expect(endedWithSession(killed, reason, "It ended.").exitCode).toBe(EXIT.failure),
  );

  it("is 124 for one that had run out of time", () => {
    const late = { status: "timeout", exitCode: 124, truncated: false } as const;
    expect(endedWithSession(late, "lifetime_exceeded", "It lived too long.").exitCode).toBe(124);
  });
});
