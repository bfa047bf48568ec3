import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatDuration,
  formatPlan,
  type Plan,
  partOf,
  silentProgress,
} from "../../../native/guest/build/progress.js";
import { TextProgress } from "../../../native/guest/build/progress-text.js";

const MEBI = 1024 * 1024;
const plan: Plan = {
  home: "/cache",
  freeBytes: 5000 * MEBI,
  steps: [
    { id: "root", title: "root image", downloadBytes: 40 * MEBI, seconds: 40, diskBytes: 500 * MEBI },
    { id: "kernel", title: "guest kernel", downloadBytes: 145 * MEBI, seconds: 360, diskBytes: 1400 * MEBI },
  ],
};

function recorder(isTTY: boolean, columns = 100) {
  let now = 0;
  let text = "";
  const write = (part: string): void => {
    text += part;
  };
  const advance = (milliseconds: number): void => {
    now += milliseconds;
  };
  const take = (): string => {
    const taken = text;
    text = "";
    return taken;
  };
  return { progress: new TextProgress({ isTTY, columns, write }, () => now), advance, take };
}

describe("formatPlan", () => {
  it("says steps, megabytes, minutes and disk before anything starts", () => {
    expect(formatPlan(plan)).toEqual([
      "Once, before the first VM can start:",
      "  1. root image: 40 MB to download, about 40 s, 500 MB of disk",
      "  2. guest kernel: 145 MB to download, about 6 min, 1.4 GB of disk",
      "In all about 7 min, 185 MB to download, at most 1.4 GB of disk at a time (4.9 GB free) in /cache.",
      "It can be interrupted at any time and then continues where it stopped.",
    ]);
  });

  it("says nothing when nothing is to be done", () => {
    expect(formatPlan({ ...plan, steps: [] })).toEqual([]);
  });
});

describe("TextProgress on a terminal", () => {
  it("updates one line, with percentage and time left by pace", () => {
    const { progress, advance, take } = recorder(true);
    progress.plan(plan);
    take();
    progress.step("kernel");
    expect(take()).toBe("\r\x1b[K[2/2] guest kernel");
    advance(60_000);
    progress.update(0.25, "CC mm/slub.o");
    expect(take()).toBe("\r\x1b[K[2/2] guest kernel 25 %, 3 min left: CC mm/slub.o");
    advance(1);
    progress.update(0.3);
    expect(take()).toBe("");
    progress.note("waiting");
    expect(take()).toBe("\r\x1b[Kwaiting\n");
    progress.done();
    expect(take()).toBe("\r\x1b[K[2/2] guest kernel: ended after 61 s\n");
    progress.done();
    expect(take()).toBe("");
  });

  it("takes the plan's time while the pace says nothing yet", () => {
    const { progress, advance, take } = recorder(true);
    progress.plan(plan);
    progress.step("kernel");
    take();
    advance(10_000);
    progress.update(0.01);
    expect(take()).toContain("1 %, 6 min left");
  });

  it("never wraps and never passes control characters on", () => {
    const { progress, advance, take } = recorder(true, 30);
    progress.step("x", "title");
    take();
    advance(1000);
    progress.update(undefined, `a\x1b]0;evil\x07${"b".repeat(100)}`);
    const line = take().replace("\r\x1b[K", "");
    expect(line.length).toBeLessThan(30);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be absent
    expect(line).not.toMatch(/[\x00-\x1f]/);
  });
});

describe("TextProgress elsewhere", () => {
  it("writes a line now and then", () => {
    const { progress, advance, take } = recorder(false);
    progress.plan(plan);
    take();
    progress.step("root");
    expect(take()).toBe("[1/2] root image\n");
    for (let second = 0; second < 30; second++) {
      advance(1000);
      progress.update(second / 30, "unpacking");
    }
    expect(take()).toBe("[1/2] root image 46 %, 18 s left: unpacking\n[1/2] root image 96 %, 2 s left: unpacking\n");
    progress.step("kernel");
    expect(take()).toBe("[1/2] root image: ended after 30 s\n[2/2] guest kernel\n");
  });
});

it("maps the fractions of a part into its step", () => {
  const seen: (number | undefined)[] = [];
  const part = partOf({ ...silentProgress, update: (fraction) => seen.push(fraction) }, 0.2, 0.6);
  for (const fraction of [0, 0.5, 1, 7, undefined]) part.update(fraction);
  expect(seen).toEqual([0.2, 0.4, 0.6, 0.6, undefined]);
});

it("formats for people", () => {
  expect([1, 2000, 3 * MEBI, 1500 * MEBI].map(formatBytes)).toEqual(["1 kB", "2 kB", "3 MB", "1.5 GB"]);
  expect([0, 1.2, 89, 91, 3600].map(formatDuration)).toEqual(["1 s", "2 s", "89 s", "2 min", "60 min"]);
});
