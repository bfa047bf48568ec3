import { MAX_QUEUED_STDIN_BYTES } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { Execution, INTERRUPTED, KILLED } from "../../../../server/src/session/execution.js";

const execute = { type: "execute", id: "a", code: "é" } as const;
const bytes = (text: string) => new TextEncoder().encode(text);

describe("an execution", () => {
  it("holds what is handed to the guest, as bytes", () => {
    const execution = new Execution({ ...execute, env: { A: "1", B: "ü=" }, timeoutMs: 5 }, 1000);
    expect(Buffer.from(execution.code).toString("hex")).toBe("c3a9");
    expect(execution.env.map(String)).toEqual(["A=1", "B=ü="]);
    expect([execution.timeoutMs, new Execution(execute, 1000).timeoutMs]).toEqual([5, 1000]);
  });

  it("has standard input only if it asked for it, until that is closed", () => {
    expect(new Execution(execute, 1).stdinOpen).toBe(false);
    expect(new Execution({ ...execute, stdin: "closed" }, 1).stdinOpen).toBe(false);
    const open = new Execution({ ...execute, stdin: "open" }, 1);
    expect(open.stdinOpen).toBe(true);
    open.closeStdin();
    expect([open.stdinOpen, open.startsWithStdinOpen]).toEqual([false, true]);
  });

  it("keeps early input as one piece, in order, with its end", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, 1);
    expect(execution.heldInput).toBeUndefined();
    for (const text of ["on", "", "e\n", "two"]) expect(execution.holdInput({ data: bytes(text) })).toBe(true);
    expect(execution.heldInput).toEqual({ data: bytes("one\ntwo"), eof: false });
    execution.holdInput({ data: bytes(""), eof: true });
    expect(execution.heldInput).toEqual({ data: bytes("one\ntwo"), eof: true });
    execution.releaseInput();
    expect(execution.heldInput).toBeUndefined();
  });

  it("keeps an end of input that came alone", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, 1);
    execution.holdInput({ data: bytes(""), eof: true });
    expect(execution.heldInput).toEqual({ data: bytes(""), eof: true });
  });

  it("keeps as much early input as the limit says and not a byte more", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, 1);
    const chunk = new Uint8Array(64 * 1024);
    for (let held = 0; held < MAX_QUEUED_STDIN_BYTES; held += chunk.length) execution.holdInput({ data: chunk });
    expect(execution.holdInput({ data: bytes("x") })).toBe(false);
    expect(execution.heldInput?.data.length).toBe(MAX_QUEUED_STDIN_BYTES);
  });

  it("takes no more memory for many small pieces of input, or empty ones, than for one", () => {
    const execution = new Execution({ ...execute, stdin: "open" }, 1);
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
    const execution = new Execution(execute, 1);
    execution.handedOver(3, 9);
    const done = execution.done({ status: "error", exitCode: 4 }, 99);
    expect(done).toMatchObject({ type: "done", id: "a", status: "error", exitCode: 4, executionCount: 9 });
    expect(done.timings.queuedUs).toBeGreaterThanOrEqual(0);
    expect(done.truncated).toBe(false);
  });

  it("that never ran has the session's count and no running time", () => {
    const { executionCount, timings, status } = new Execution(execute, 1).done(INTERRUPTED, 5);
    expect([executionCount, timings.execUs, status]).toEqual([5, 0, "interrupted"]);
  });

  it("that ran out of time says so, however the guest or its VM ended", () => {
    const execution = new Execution(execute, 1);
    execution.timedOut = true;
    for (const ending of [{ status: "ok", exitCode: 0 } as const, KILLED, INTERRUPTED]) {
      expect(execution.done(ending, 1)).toMatchObject({ status: "timeout", exitCode: 124 });
    }
  });
});
