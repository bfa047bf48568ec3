import { describe, expect, it } from "vitest";
import { OutputRecord, sha256 } from "../../soak/output-record.js";

describe("OutputRecord", () => {
  it("keeps the streams apart and their turns in order", () => {
    const record = new OutputRecord();
    record.add("stdout", Buffer.from("a"));
    record.add("stdout", Buffer.from("b"));
    record.add("stderr", Buffer.from("c"));
    record.add("stdout", Buffer.from("d"));
    expect(record.text("stdout")).toBe("abd");
    expect(record.text("stderr")).toBe("c");
    expect(record.inOrder()).toEqual(["oab", "ec", "od"]);
    expect(record.bytes).toBe(4);
    expect(record.sha256("stdout")).toBe(sha256("abd"));
  });

  it("puts characters together that came in two pieces", () => {
    const record = new OutputRecord();
    const [whole] = [Buffer.from("ä")];
    record.add("stdout", whole.subarray(0, 1));
    record.add("stdout", whole.subarray(1));
    expect(record.text("stdout")).toBe("ä");
  });

  it("tells of the first byte, or that there is none", async () => {
    const record = new OutputRecord();
    const begun = record.begun();
    record.add("stderr", Buffer.from("x"));
    await begun;
    await record.begun();
    const silent = new OutputRecord();
    const over = silent.begun();
    silent.wake();
    await over;
  });
});
