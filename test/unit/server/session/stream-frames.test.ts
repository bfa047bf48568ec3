import { MAX_OUTPUT_CHUNK_BYTES, type ServerFrame } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { StreamFrames } from "../../../../server/src/session/stream-frames.js";
import { Sent } from "./sent.js";

const bytes = (text: string) => new TextEncoder().encode(text);

/** `stdout a#0 text` for every frame. */
const lines = (frames: readonly ServerFrame[]) =>
  frames.map((frame) => {
    if (frame.type !== "stdout" && frame.type !== "stderr") throw new TypeError(frame.type);
    return `${frame.type} ${frame.id}#${frame.seq} ${Buffer.from(frame.data)}`;
  });

describe("output frames", () => {
  it("join adjacent pieces of one stream", () => {
    const sent = new Sent();
    const streams = new StreamFrames(sent);
    for (const text of ["a", "b", "c"]) streams.add("stdout", "1", bytes(text));
    expect(sent.frames).toEqual([]);
    streams.flush();
    streams.flush();
    expect(lines(sent.frames)).toEqual(["stdout 1#0 abc"]);
  });

  it("keep the order of the two streams and count both", () => {
    const sent = new Sent();
    const streams = new StreamFrames(sent);
    streams.add("stdout", "1", bytes("a"));
    streams.add("stderr", "1", bytes("b"));
    streams.add("stdout", "1", bytes("c"));
    streams.flush();
    expect(lines(sent.frames)).toEqual(["stdout 1#0 a", "stderr 1#1 b", "stdout 1#2 c"]);
  });

  it("never join executions", () => {
    const sent = new Sent();
    const streams = new StreamFrames(sent);
    streams.add("stdout", "1", bytes("a"));
    streams.add("stdout", "2", bytes("b"));
    streams.flush();
    expect(lines(sent.frames)).toEqual(["stdout 1#0 a", "stdout 2#1 b"]);
  });

  it("are never larger than the protocol allows", () => {
    const sent = new Sent();
    const streams = new StreamFrames(sent);
    const piece = new Uint8Array(10_000);
    for (let at = 0; at < 20; at++) streams.add("stdout", "1", piece);
    streams.flush();
    const sizes = sent.frames.map((frame) => (frame.type === "stdout" ? frame.data.length : 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_OUTPUT_CHUNK_BYTES);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(200_000);
    expect(sizes).toHaveLength(4);
  });

  it("say when the connection takes no more, and keep the piece that came then", () => {
    const sent = new Sent();
    sent.writable = false;
    const streams = new StreamFrames(sent);
    expect(streams.add("stdout", "1", bytes("a"))).toBe(true);
    expect(streams.add("stderr", "1", bytes("b"))).toBe(false);
    expect(streams.flush()).toBe(false);
    expect(lines(sent.frames)).toEqual(["stdout 1#0 a", "stderr 1#1 b"]);
  });
});
