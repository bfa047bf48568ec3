import { describe, expect, it } from "vitest";
import { PreloadWatch } from "../../../../server/src/templates/preload-watch.js";

function watch(...lines: string[]): PreloadWatch {
  const made = new PreloadWatch();
  for (const line of lines) made.console(`${line}\r\n`);
  return made;
}

describe("a preload, by the guest's console", () => {
  it("is not what failed where there is none, or where it ended", () => {
    expect(watch("init: mount: failed").failure).toBeUndefined();
    expect(watch("zeroboot: preload begins", "hello", "zeroboot: preload ended", "died").failure).toBeUndefined();
  });

  it("failed as its traceback ends", () => {
    const { failure } = watch(
      "the kernel",
      "zeroboot: preload begins",
      "Traceback (most recent call last):",
      '  File "<preload>", line 1, in <module>',
      "ModuleNotFoundError: No module named 'x'",
      "zeroboot: preload failed",
    );
    expect(failure?.why).toBe("ModuleNotFoundError: No module named 'x'");
    expect(failure?.console).toMatch(/^Traceback[\s\S]*'x'\r\n$/);
  });

  it("failed as whoever ended it says", () => {
    expect(watch("zeroboot: preload begins", "a", "Timeout (0:05:00)!", "Thread 0x1:").failure?.why).toBe(
      "Timeout (0:05:00)!",
    );
    const killed = "[    9.1] Out of memory: Killed process 61 (start) total-vm:1kB";
    expect(watch("zeroboot: preload begins", killed, "Kernel panic").failure?.why).toBe(killed);
    expect(watch("zeroboot: preload begins", "working").failure?.why).toBe("it did not end");
  });

  it("is told without control characters and in bounds", () => {
    const { failure } = watch(
      "zeroboot: preload begins",
      `\u001b[31m${"x".repeat(100_000)}`,
      "zeroboot: preload failed",
    );
    expect(failure?.why).toHaveLength(300);
    expect(failure?.console.length).toBeLessThanOrEqual(16 * 1024);
    expect(watch("zeroboot: preload begins", "\u001b[2Jx", "zeroboot: preload failed").failure?.why).toBe(" [2Jx");
  });
});
