import type { ExecutionResult } from "@zeroboot/sdk";
import { describe, expect, it } from "vitest";
import { outcomeOf, timesOf } from "../../../web-demo/src/outcome.js";

type Ending = Parameters<typeof outcomeOf>[0];
const ending = (fields: Partial<Ending>): Ending => ({ status: "ok", exitCode: 0, stateKept: true, ...fields });
const error = { name: "ValueError", message: "", traceback: "" } satisfies ExecutionResult["error"];

describe("a cell's end in words", () => {
  it.each<[Partial<Ending>, string, string]>([
    [{}, "ok", "ok"],
    [{ status: "error", exitCode: 1, error }, "failed", "ValueError"],
    [{ status: "error", exitCode: 3 }, "failed", "exit code 3"],
    [{ status: "interrupted", exitCode: 130, error, stoppedBy: "interrupt" }, "stopped", "interrupted"],
    [{ status: "interrupted", stoppedBy: "kill" }, "stopped", "interrupted, its child processes killed"],
    [{ status: "timeout", stoppedBy: "interrupt" }, "stopped", "timed out"],
    [
      { status: "timeout", stoppedBy: "restart", stateKept: false },
      "stopped",
      "timed out, in the end by a fresh virtual machine; the session's state is gone",
    ],
    [
      { status: "killed", stoppedBy: "outOfMemory", stateKept: false },
      "stopped",
      "killed: the virtual machine had no memory left; the session's state is gone",
    ],
    [{ status: "killed", stateKept: false }, "stopped", "killed; the session's state is gone"],
  ])("%o is %s: %s", (fields, tone, text) => {
    expect(outcomeOf(ending(fields))).toEqual({ tone, text });
  });
});

describe("what was measured of a cell", () => {
  it("is its own time and the round trip, and waiting if there was any to speak of", () => {
    const words = (queuedUs: number) => timesOf({ queuedUs, execUs: 137 }, 1204).replaceAll("\u00a0", " ");
    expect(words(12)).toBe("cell 137 µs · round trip 1.20 ms");
    expect(words(2_500_000)).toBe("queued 2.50 s · cell 137 µs · round trip 1.20 ms");
  });
});
