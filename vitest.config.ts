import { defineConfig } from "vitest/config";

/**
 * Three kinds of tests, one after the other. `unit` needs nothing of the host; `engine` and `e2e`
 * run real virtual machines, so that one file at a time has the machine to itself.
 */
const onVirtualMachines = {
  pool: "forks",
  maxWorkers: 1,
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 1_800_000,
} as const;

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      {
        test: {
          ...onVirtualMachines,
          name: "engine",
          include: ["test/engine/**/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: { ...onVirtualMachines, name: "e2e", include: ["test/e2e/**/*.test.ts"], sequence: { groupOrder: 2 } },
      },
    ],
  },
});
