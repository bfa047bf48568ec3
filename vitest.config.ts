import { defineConfig } from "vitest/config";
import { chromiumProblem } from "./test/helpers/chromium.js";
import { wantsEmulatedServer } from "./test/helpers/emulated-server.js";
import { kvmProblem } from "./test/helpers/kvm.js";

/**
 * Four kinds of tests, one after the other. `unit` needs nothing of the host; `engine` and `e2e`
 * run real virtual machines, so that one file at a time has the machine to itself; `page` needs
 * Chromium, too. Without KVM or Chromium they are left out, loudly; REQUIRE_KVM=1 and
 * REQUIRE_CHROMIUM=1 make them fail there instead.
 */
const onVirtualMachines = {
  pool: "forks",
  maxWorkers: 1,
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 1_800_000,
} as const;

const unit = {
  name: "unit",
  include: ["test/unit/**/*.test.ts"],
  sequence: { groupOrder: 0 },
  // Generated input by the thousand, on a machine that may be busy.
  testTimeout: 30_000,
};
const vmProjects = [
  { ...onVirtualMachines, name: "engine", include: ["test/engine/**/*.test.ts"], sequence: { groupOrder: 1 } },
  {
    ...onVirtualMachines,
    name: "e2e",
    include: ["test/e2e/**/*.test.ts"],
    exclude: ["test/e2e/web-demo.test.ts"],
    sequence: { groupOrder: 2 },
  },
];
const page = {
  ...onVirtualMachines,
  name: "page",
  include: ["test/e2e/web-demo.test.ts"],
  sequence: { groupOrder: 3 },
};

const noKvm = kvmProblem();
const withVms = noKvm === undefined || process.env.REQUIRE_KVM === "1";
if (!withVms && !wantsEmulatedServer()) {
  console.warn(
    `\n  NO TEST ON A VIRTUAL MACHINE IS RUN: ${noKvm}\n  See "zeroboot doctor"; "npm run test:hardware-kvm" runs them in an emulated machine.\n`,
  );
}
const noChromium = chromiumProblem();
const withChromium = noChromium === undefined || process.env.REQUIRE_CHROMIUM === "1";
if (!withChromium) {
  console.warn(`\n  THE PAGE IS NOT TESTED: ${noChromium}\n  Install Debian's chromium, or name one in CHROMIUM.\n`);
}

const projects = [
  unit,
  ...(withVms ? vmProjects : []),
  ...(withChromium && (withVms || wantsEmulatedServer()) ? [page] : []),
];

export default defineConfig({ test: { projects: projects.map((test) => ({ test })) } });
