import { describe, expect, it } from "vitest";
import { creationStall, type KernelFacts } from "../../../../server/src/host/creation-stall.js";

const DEBIAN_12: KernelFacts = {
  release: "6.1.0-56-amd64",
  nxHugePages: "N",
  mounts: "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate,memory_recursiveprot 0 0\n",
};

describe("the wait for each VM that is made", () => {
  it("is told, with what to do about it", () => {
    expect(creationStall(DEBIAN_12)?.remedy).toBe(
      "Run: sudo mount -o remount,favordynmods /sys/fs/cgroup   or boot with kvm.nx_huge_pages=never, " +
        "if the kernel knows that word",
    );
    expect(creationStall({ ...DEBIAN_12, mounts: "" })?.remedy).toMatch(/^Mount cgroup2 with the option favordynmods /);
  });

  it.each([
    ["before Linux 6.0", { release: "5.15.0-91-generic" }],
    ["since Linux 6.13", { release: "6.18.44" }],
    ["without the thread", { nxHugePages: "never" }],
    ["without KVM's module", { nxHugePages: undefined }],
    ["where moves are favoured", { mounts: "none /sys/fs/cgroup cgroup2 rw,favordynmods,nsdelegate 0 0\n" }],
    ["where version 1 has it", { mounts: "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,favordynmods 0 0\n" }],
    ["on a kernel without a number", { release: "unknown" }],
  ])("is not there %s", (_, facts) => expect(creationStall({ ...DEBIAN_12, ...facts })).toBeUndefined());

  it.each(["6.0.1", "6.12.0"])("is there on Linux %s", (release) => {
    expect(creationStall({ ...DEBIAN_12, release })).toBeDefined();
  });
});
