import { describe, expect, it } from "vitest";
import type { HostReport, TemplateInfo } from "../../../../native/engine.js";
import { describeDifference, type TemplateInputs, templateKey } from "../../../../server/src/templates/template-key.js";

const host: HostReport = {
  kind: "hardware",
  description: "hardware KVM",
  quirks: ["b", "a"],
  cpu: { vendor: "AuthenticAMD", family: 25, model: 1, stepping: 1, xcr0: 7n },
  cpuDigest: "c0",
  tscKhz: 2_000_000,
  engineAbi: 1,
};
const inputs: TemplateInputs = {
  kernelDigest: "k0",
  rootDigest: "r0",
  memoryMb: 256,
  symbols: { total_forks: 1, base_crng: 2 },
  warmupCells: ["print(1)"],
};

describe("a template's key", () => {
  it("is a name for a file, and the same for the same template", () => {
    expect(templateKey(host, inputs)).toMatch(/^[0-9a-f]{32}$/);
    expect(templateKey({ ...host }, { ...inputs })).toBe(templateKey(host, inputs));
  });

  it("does not depend on the order of quirks, on words for people or on the exact clock", () => {
    const same: HostReport = { ...host, quirks: ["a", "b"], description: "another", tscKhz: 2_000_001 };
    expect(templateKey(same, inputs)).toBe(templateKey(host, inputs));
    const symbols = { base_crng: 2, total_forks: 1 };
    expect(templateKey(host, { ...inputs, symbols })).toBe(templateKey(host, inputs));
  });

  it("differs with everything a template's content depends on", () => {
    const keys = [
      templateKey(host, inputs),
      ...(
        [
          { kind: "kvm_pvm" },
          { quirks: ["a"] },
          { quirks: [] },
          { cpuDigest: "c1" },
          { engineAbi: 2 },
          { cpu: { ...host.cpu, vendor: "GenuineIntel" } },
          { cpu: { ...host.cpu, family: 26 } },
          { cpu: { ...host.cpu, model: 2 } },
          { cpu: { ...host.cpu, stepping: 2 } },
          { cpu: { ...host.cpu, xcr0: 0xe7n } },
        ] satisfies Partial<HostReport>[]
      ).map((change) => templateKey({ ...host, ...change }, inputs)),
      ...(
        [
          { kernelDigest: "k1" },
          { rootDigest: "r1" },
          { kernelDigest: "r0", rootDigest: "k0" },
          { memoryMb: 512 },
          { symbols: {} },
          { symbols: { total_forks: 2, base_crng: 1 } },
          { symbols: { total_forks: 1, tk_core: 2 } },
          { extraCommandLine: "quiet" },
          { warmupCells: [] },
          { warmupCells: ["print(1)", ""] },
        ] satisfies Partial<TemplateInputs>[]
      ).map((change) => templateKey(host, { ...inputs, ...change })),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("why a snapshot does not serve", () => {
  const info: TemplateInfo = {
    label: "python-x",
    runtime: "CPython 3.11.2",
    kernelDigest: "k0",
    rootDigest: "r0",
    memoryMb: 256,
    storedPages: 1,
    workingSetPages: 1,
    capturedAt: 0,
    bootMs: 1,
    cpuDigest: "c0",
    hostKind: "hardware",
    engineAbi: 1,
  };

  it("is nothing for one made here of these inputs", () => {
    expect(describeDifference(info, host, inputs)).toBeUndefined();
  });

  it.each<[Partial<TemplateInfo>, RegExp]>([
    [{ engineAbi: 2, cpuDigest: "c1" }, /version of the engine/],
    [{ hostKind: "kvm_pvm" }, /kvm_pvm host/],
    [{ cpuDigest: "c1" }, /another CPU/],
    [{ kernelDigest: "k1" }, /kernel has changed/],
    [{ rootDigest: "r1" }, /root image has changed/],
    [{ memoryMb: 128 }, /128 MiB/],
  ])("%j", (change, why) => expect(describeDifference({ ...info, ...change }, host, inputs)).toMatch(why));
});
