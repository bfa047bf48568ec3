import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Timer } from "../../../../server/src/session/timer.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a timer", () => {
  it("expires once, counted from its last start", () => {
    const expired = vi.fn();
    const timer = new Timer(expired);
    timer.start(100);
    vi.advanceTimersByTime(90);
    timer.start(100);
    vi.advanceTimersByTime(99);
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(expired).toHaveBeenCalledOnce();
  });

  it("does not expire once stopped", () => {
    const expired = vi.fn();
    const timer = new Timer(expired);
    timer.stop();
    timer.start(100);
    timer.stop();
    timer.stop();
    vi.advanceTimersByTime(1000);
    expect(expired).not.toHaveBeenCalled();
  });

  it("takes a delay that is too long for Node as the longest, not as none", () => {
    const expired = vi.fn();
    new Timer(expired).start(365 * 86_400_000);
    vi.advanceTimersByTime(86_400_000);
    expect(expired).not.toHaveBeenCalled();
  });
});
