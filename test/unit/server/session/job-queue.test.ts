import { MAX_QUEUED_CODE_BYTES } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { Execution } from "../../../../server/src/session/execution.js";
import { JobQueue } from "../../../../server/src/session/job-queue.js";

const cell = (id: string, code = "1") =>
  new Execution({ type: "execute", id, code }, { defaultTimeoutMs: 1000, maxOutputBytes: 100 });

describe("a session's queue", () => {
  it("runs what came first, one at a time", () => {
    const queue = new JobQueue(8);
    const [a, b] = [cell("a"), cell("b")];
    expect([queue.isEmpty, queue.startNext()]).toEqual([true, undefined]);
    expect([queue.add(a), queue.add(b)]).toEqual([undefined, undefined]);
    expect(queue.startNext()).toBe(a);
    expect(queue.running).toBe(a);
    expect(() => queue.startNext()).toThrow(TypeError);
    queue.finishRunning();
    expect(queue.startNext()).toBe(b);
    queue.finishRunning();
    expect(queue.isEmpty).toBe(true);
  });

  it("refuses an id that runs or waits, and takes it again when that has ended", () => {
    const queue = new JobQueue(8);
    queue.add(cell("a"));
    queue.startNext();
    queue.add(cell("b"));
    expect([queue.add(cell("a")), queue.add(cell("b"))]).toEqual(["duplicate_id", "duplicate_id"]);
    queue.finishRunning();
    expect(queue.add(cell("a"))).toBeUndefined();
  });

  it("counts the running one among those it is bounded by", () => {
    const queue = new JobQueue(2);
    queue.add(cell("a"));
    queue.startNext();
    expect(queue.add(cell("b"))).toBeUndefined();
    expect(queue.add(cell("c"))).toBe("queue_full");
    queue.finishRunning();
    expect(queue.add(cell("c"))).toBeUndefined();
  });

  it("is bounded in bytes of waiting code, however it is emptied", () => {
    const queue = new JobQueue(64);
    const quarter = "x".repeat(MAX_QUEUED_CODE_BYTES / 4);
    const fill = () => ["a", "b", "c", "d"].map((id) => queue.add(cell(id, quarter)));
    expect(fill()).toEqual([undefined, undefined, undefined, undefined]);
    expect(queue.add(cell("e", ""))).toBeUndefined();
    expect(queue.add(cell("f", "x"))).toBe("queue_full");
    const b = queue.find("b");
    if (b !== undefined) queue.remove(b);
    expect(queue.add(cell("b", quarter))).toBeUndefined();
    expect(queue.drain().map(({ id }) => id)).toEqual(["a", "c", "d", "e", "b"]);
    expect(fill()).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("removes one that waits, never the running one", () => {
    const queue = new JobQueue(8);
    const [a, b] = [cell("a"), cell("b")];
    queue.add(a);
    queue.add(b);
    queue.startNext();
    queue.remove(a);
    queue.remove(b);
    queue.remove(b);
    expect([queue.find("a"), queue.find("b")]).toEqual([a, undefined]);
  });

  it("gives up all there is, the running one first", () => {
    const queue = new JobQueue(8);
    for (const id of ["a", "b", "c"]) queue.add(cell(id));
    queue.startNext();
    expect(queue.drain().map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect([queue.isEmpty, queue.running, queue.drain()]).toEqual([true, undefined, []]);
  });
});
