import { defineConfig } from "vitest/config";
import { chromiumProblem } from "./test/helpers/chromium.js";
import { kvmProblem } from "./test/helpers/kvm.js";

/**
 * Three kinds of tests, one after the other. `unit` needs nothing of the host; `engine` and `e2e`
 * run real virtual machines, so that one file at a time has the machine to itself. Without KVM they
 * are left out, loudly; REQUIRE_KVM=1 makes them fail there instead. So it is with Chromium and the test that needs it.
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
const inChromium = "test/e2e/web-demo.test.ts";
const noBrowser = chromiumProblem();
const withBrowser = noBrowser === undefined || process.env.REQUIRE_CHROMIUM === "1";
const vmProjects = [
  { ...onVirtualMachines, name: "engine", include: ["test/engine/**/*.test.ts"], sequence: { groupOrder: 1 } },
  {
    ...onVirtualMachines,
    name: "e2e",
    include: ["test/e2e/**/*.test.ts"],
    exclude: withBrowser ? [] : [inChromium],
    sequence: { groupOrder: 2 },
  },
];

const problem = kvmProblem();
const withVms = problem === undefined || process.env.REQUIRE_KVM === "1";
if (!withVms) {
  console.warn(
    `\n  NO TEST ON A VIRTUAL MACHINE IS RUN: ${problem}\n  See "zeroboot doctor"; "npm run test:hardware-kvm" runs them in an emulated machine.\n`,
  );
}
if (withVms && !withBrowser) {
  console.warn(`\n  THE PAGE IS NOT TESTED: ${noBrowser}\n  Install Debian's chromium, or name one in CHROMIUM.\n`);
}

export default defineConfig({
  test: { projects: (withVms ? [unit, ...vmProjects] : [unit]).map((test) => ({ test })) },
});
