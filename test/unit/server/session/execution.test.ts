import { MAX_QUEUED_STDIN_BYTES } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { Execution, INTERRUPTED } from "../../../../server/src/session/execution.js";

const SETTINGS = { defaultTimeoutMs: 1000, maxOutputBytes: 100 };
const execute = { type: "execute", id: "a", code: "é" } as const;
const bytes = (text: string) => new TextEncoder().encode(text);

describe("an execution", () => {
  it("holds what is handed to the guest, as bytes", () => {
    const execution = new Execution({ ...execute, env: { A: "1", B: "ü=" }, timeoutMs: 5 }, SETTINGS);
    expect(Buffer.from(execution.code).toString("hex")).toBe("c3a9");
    expect(execution.env.map(String)).toEqual(["A=1", "B=ü="]);
    expect([execution.timeoutMs, new Execution(execute, SETTINGS).timeoutMs]).toEqual([5, 1000]);
  });

  it("has standard input only if it asked for it, until that is closed", () => {
    expect(new Execution(execute, SETTINGS).stdinOpen).toBe(false);
    expect(new Execution({ ...execute, stdin: "closed" }, SETTINGS).stdinOpen).toBe(false);
    const open = new Execution({ ...execute, stdin: "open" }, SETTINGS);
    expect(open.stdinOpen).toBe(true);
    open.closeStdin();
    expect([open.stdinOpen, open.executeFlags]).toEqual([false, 0x01]);
  });

  it("keeps early input as one piece, in order, with its end", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, SETTINGS);
    expect(execution.heldInput).toBeUndefined();
    for (const text of ["on", "", "e\n", "two"]) expect(execution.holdInput({ data: bytes(text) })).toBe(true);
    expect(execution.heldInput).toEqual({ data: bytes("one\ntwo"), eof: false });
    execution.holdInput({ data: bytes(""), eof: true });
    expect(execution.heldInput).toEqual({ data: bytes("one\ntwo"), eof: true });
    execution.releaseInput();
    expect(execution.heldInput).toBeUndefined();
  });

  it("keeps an end of input that came alone", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, SETTINGS);
    execution.holdInput({ data: bytes(""), eof: true });
    expect(execution.heldInput).toEqual({ data: bytes(""), eof: true });
  });

  it("keeps as much early input as the limit says and not a byte more", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, SETTINGS);
    const chunk = new Uint8Array(64 * 1024);
    for (let held = 0; held < MAX_QUEUED_STDIN_BYTES; held += chunk.length) execution.holdInput({ data: chunk });
    expect(execution.holdInput({ data: bytes("x") })).toBe(false);
    expect(execution.heldInput?.data.length).toBe(MAX_QUEUED_STDIN_BYTES);
  });

  it("takes no more memory for many small pieces of input, or empty ones, than for one", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, SETTINGS);
    const before = process.memoryUsage();
    for (let at = 0; at < 1_000_000; at++) {
      execution.holdInput({ data: new Uint8Array(0) });
      if (at % 4 === 0) execution.holdInput({ data: bytes("x") });
    }
    const after = process.memoryUsage();
    expect(execution.heldInput?.data.length).toBe(250_000);
    // A million kept pieces would be some 100 MB; garbage not yet collected is far less.
    expect(execution.heldInput?.data.buffer.byteLength).toBeLessThan(1024 * 1024);
    expect(after.external - before.external).toBeLessThan(64 * 1024 * 1024);
  });

  it("ends once it is over, as measured by the host", () => {
    const execution = new Execution(execute, SETTINGS);
    execution.started(9);
    const done = execution.done({ status: "error", exitCode: 4 }, { executionCount: 99, stateKept: true });
    expect(done).toMatchObject({ type: "done", id: "a", status: "error", exitCode: 4, executionCount: 9 });
    expect(done.timings.queuedUs).toBeGreaterThanOrEqual(0);
    expect([done.truncated, done.stateKept, "stoppedBy" in done]).toEqual([false, true, false]);
  });

  it("that never ran has the session's count and no running time", () => {
    const circumstances = { executionCount: 5, stateKept: true, stoppedBy: "interrupt" } as const;
    const { executionCount, timings, ...done } = new Execution(execute, SETTINGS).done(INTERRUPTED, circumstances);
    expect([executionCount, timings.execUs]).toEqual([5, 0]);
    expect(done).toMatchObject({ status: "interrupted", stateKept: true, stoppedBy: "interrupt" });
  });
});
