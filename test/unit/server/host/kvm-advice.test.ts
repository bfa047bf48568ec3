import { describe, expect, it } from "vitest";
import { inspectKvmDevice, type KvmDevice, kvmRemedy } from "../../../../server/src/host/kvm-advice.js";

const USUAL: KvmDevice = { exists: true, group: "kvm", groupMayUse: true, user: "alice", userListed: false };

describe("what to do about /dev/kvm", () => {
  it("is to load the module where there is no device", () => {
    expect(kvmRemedy({ ...USUAL, exists: false })).toMatch(/modprobe kvm_intel \|\| sudo modprobe kvm_amd/);
  });

  it("is to join the group that owns it, by its name on this machine", () => {
    expect(kvmRemedy(USUAL)).toContain("sudo usermod -aG kvm alice");
    expect(kvmRemedy({ ...USUAL, group: "virt" })).toContain("sudo usermod -aG virt alice");
    expect(kvmRemedy({ ...USUAL, group: "virt" })).toContain("newgrp virt");
  });

  it("is to log in again for who has joined the group already", () => {
    expect(kvmRemedy({ ...USUAL, group: "virt", userListed: true })).toMatch(
      /log out and in again, or run: newgrp virt$/,
    );
  });

  it.each([
    ["its group may not use it", { groupMayUse: false }],
    ["its group is root", { group: "root" }],
  ])("is to give it to the group kvm where %s", (_, device) => {
    expect(kvmRemedy({ ...USUAL, ...device })).toMatch(/chgrp kvm .*chmod 660 .*usermod -aG kvm alice/);
  });

  it("is found on any machine without an error", () => {
    expect(kvmRemedy(inspectKvmDevice())).not.toBe("");
  });
});
