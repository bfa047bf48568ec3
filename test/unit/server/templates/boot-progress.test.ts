import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Progress, silentProgress } from "../../../../native/guest/build/progress.js";
import { BootProgress } from "../../../../server/src/templates/boot-progress.js";

const updates: [fraction: number | undefined, text: string | undefined][] = [];
const progress: Progress = { ...silentProgress, update: (fraction, text) => void updates.push([fraction, text]) };
const last = () => updates.at(-1);

beforeEach(() => {
  vi.useFakeTimers();
  updates.length = 0;
});
afterEach(() => void vi.useRealTimers());

describe("a boot's progress", () => {
  it("goes with its expected time, and is never said to be over before it is", () => {
    const boot = new BootProgress(progress, 10_000);
    vi.advanceTimersByTime(5000);
    expect(last()?.[0]).toBeCloseTo(0.5);
    vi.advanceTimersByTime(60_000);
    expect(last()?.[0]).toBe(0.97);
    boot.stop();
  });

  it("is told in words by the latest thing the console says", () => {
    const boot = new BootProgress(progress, 10_000);
    boot.console("[    0.000000] Linux version 6.1.0\n");
    expect(last()?.[1]).toBe("the kernel starts");
    boot.console("[    0.1] erofs: mou");
    boot.console("nted with root inode\n[    0.2] Run /sb");
    expect(last()?.[1]).toBe("the root image is mounted");
    boot.console("in/init as init process\n");
    expect(last()?.[1]).toBe("user space starts");
    boot.stop();
  });

  it("keeps its words when the console is silent or babbles", () => {
    const boot = new BootProgress(progress, 10_000);
    boot.console("Linux version 6.1.0\n");
    for (let at = 0; at < 100; at++) boot.console("x".repeat(1000));
    vi.advanceTimersByTime(1000);
    expect(last()?.[1]).toBe("the kernel starts");
    boot.stop();
  });

  it("says nothing more once stopped", () => {
    const boot = new BootProgress(progress, 10_000);
    boot.stop();
    boot.stop();
    vi.advanceTimersByTime(10_000);
    expect(updates).toEqual([]);
  });
});
