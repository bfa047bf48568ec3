import { describe, expect, it } from "vitest";
import { RecordFramingError, RecordReader } from "../../../../server/src/session/record-reader.js";
import { record } from "./records.js";

describe("a batch of records", () => {
  it("is read record by record, header and payload", () => {
    const reader = new RecordReader(Buffer.concat([record(0x82, 0, 1, "out"), record(0x88, 0x41, 0xfffe)]));
    expect(reader.peek()).toMatchObject({ kind: 0x82, flags: 0, execution: 1 });
    expect(reader.peek()?.payload.toString()).toBe("out");
    reader.next();
    expect(reader.peek()).toMatchObject({ kind: 0x88, flags: 0x41, execution: 0xfffe });
    expect(reader.peek()?.payload).toHaveLength(0);
    reader.next();
    expect(reader.peek()).toBeUndefined();
  });

  it("is read where it lies, at any offset of its memory", () => {
    const memory = Buffer.concat([Buffer.alloc(3), record(0x82, 0, 7, "xyz"), Buffer.alloc(5)]);
    const reader = new RecordReader(new Uint8Array(memory.buffer, memory.byteOffset + 3, 11));
    expect(reader.peek()?.execution).toBe(7);
    expect(Buffer.from(reader.peek()?.payload ?? []).toString()).toBe("xyz");
  });

  it("can be left within a record and taken up again", () => {
    const reader = new RecordReader(Buffer.concat([record(0x82, 0, 1, "abcdef"), record(0x83, 0, 1, "next")]));
    reader.takePart(2);
    expect(String(reader.peek()?.payload)).toBe("cdef");
    reader.takePart(3);
    expect(String(reader.peek()?.payload)).toBe("f");
    reader.next();
    expect(String(reader.peek()?.payload)).toBe("next");
  });

  it("has no records when empty", () => {
    expect(new RecordReader(new Uint8Array(0)).peek()).toBeUndefined();
  });

  it.each([1, 7, 8, 10])("is not whole when it is cut off after %d bytes", (length) => {
    const reader = new RecordReader(record(0x82, 0, 1, "abc").subarray(0, length));
    expect(() => reader.peek()).toThrow(RecordFramingError);
  });
});
