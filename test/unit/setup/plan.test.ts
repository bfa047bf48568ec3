import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  defaultHome,
  ensureArtefacts,
  type Plan,
  planArtefacts,
  silentProgress,
} from "../../../native/guest/build/index.js";

let home: string;
const GIBI = 1024 ** 3;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "zeroboot-plan-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe("planArtefacts", () => {
  it("lists what is missing, with its cost, and makes nothing", async () => {
    const plan = await planArtefacts({ home });
    expect(plan.steps.map((step) => step.id)).toEqual(["root", "kernel"]);
    for (const step of plan.steps) {
      expect(step.downloadBytes).toBeGreaterThan(0);
      expect(step.seconds).toBeGreaterThan(0);
      expect(step.diskBytes).toBeGreaterThan(0);
    }
    expect(await readdir(home)).toEqual([]);
  });

  it("leaves the kernel out when one is given", async () => {
    const plan = await planArtefacts({ home, kernelPath: "/boot/vmlinux" });
    expect(plan.steps.map((step) => step.id)).toEqual(["root"]);
  });

  it("works for a directory that does not exist yet", async () => {
    const plan = await planArtefacts({ home: join(home, "not/yet") });
    expect(plan.freeBytes).toBeGreaterThan(0);
  });
});

describe("ensureArtefacts", () => {
  it("announces the plan, then refuses under 4 GB free, before anything is fetched", async () => {
    const plans: Plan[] = [];
    const steps: string[] = [];
    const progress = {
      ...silentProgress,
      plan: (plan: Plan) => plans.push(plan),
      step: (name: string) => steps.push(name),
    };
    const attempt = ensureArtefacts({ home, progress, freeBytes: async () => 3.9 * GIBI });
    await expect(attempt).rejects.toMatchObject({
      code: "disk_full",
      message: expect.stringMatching(/3\.9 GB.*4\.0 GB/),
    });
    expect(plans).toHaveLength(1);
    expect(steps).toEqual([]);
    expect(await readdir(home)).toEqual([]);
  });

  it("ends at once when aborted beforehand", async () => {
    await expect(ensureArtefacts({ home, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "interrupted" });
  });

  it.each(["/does/not/exist", "/etc/hostname"])("refuses %s as a kernel before anything else", async (kernelPath) => {
    await expect(ensureArtefacts({ home, kernelPath })).rejects.toMatchObject({ code: "kernel_invalid" });
  });

  it.each(["/a b", "/a:b", '/a"b', "relative", "/a$b"])("refuses %j as cache directory", async (unusable) => {
    await expect(ensureArtefacts({ home: unusable })).rejects.toMatchObject({ code: "home_unusable" });
  });

  it("refuses an unknown template", async () => {
    await expect(ensureArtefacts({ home, template: "cobol" })).rejects.toMatchObject({ code: "recipe_invalid" });
  });
});

describe("defaultHome", () => {
  it("is ZEROBOOT_HOME, else in the user's cache directory", () => {
    expect(defaultHome({ ZEROBOOT_HOME: "/srv/zb" })).toBe("/srv/zb");
    expect(defaultHome({ XDG_CACHE_HOME: "/c" })).toBe("/c/zeroboot");
    expect(defaultHome({})).toMatch(/\/\.cache\/zeroboot$/);
  });

  it("refuses a relative path", () => {
    expect(() => defaultHome({ ZEROBOOT_HOME: "x" })).toThrow(expect.objectContaining({ code: "home_unusable" }));
  });
});
