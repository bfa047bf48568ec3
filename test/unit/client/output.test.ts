import { describe, expect, it } from "vitest";
import { KeptOutput } from "../../../client/src/kept-output.js";
import { OutputBuffer } from "../../../client/src/output.js";

const bytes = (text: string) => new TextEncoder().encode(text);

function buffer(maxKeptBytes = 1024) {
  const seen = { consumed: 0, texts: [] as string[] };
  const owner = {
    consumed: (count: number) => {
      seen.consumed += count;
    },
    text: (text: string) => {
      seen.texts.push(text);
    },
  };
  return { output: new OutputBuffer(owner, maxKeptBytes), seen };
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe("KeptOutput", () => {
  it.each([
    ["nothing", [], ""],
    ["less than the limit", ["abc", "def"], "abcdef"],
    ["exactly the limit", ["abcdefgh"], "abcdefgh"],
    ["a byte more", ["abcdefghi"], "abcd\n[1 bytes left out]\nfghi"],
    ["much more, in one chunk", ["abcdefghijklmnopqrstuvwxyz"], "abcd\n[18 bytes left out]\nwxyz"],
    ["much more, byte by byte", [..."abcdefghijklmnopqrstuvwxyz"], "abcd\n[18 bytes left out]\nwxyz"],
    ["much more, in threes", ["abc", "def", "ghi", "jkl", "mno"], "abcd\n[7 bytes left out]\nlmno"],
    ["characters at the cuts", ["abc€€€€€€€€bcd"], "abc\n[22 bytes left out]\nbcd"],
  ])("keeps %s", (_what, chunks, text) => {
    const kept = new KeptOutput(8);
    for (const chunk of chunks) kept.add(bytes(chunk));
    expect(kept.text()).toBe(text);
  });

  it("agrees with a plain copy for every limit and chunking", () => {
    const whole = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (let limit = 0; limit <= 40; limit++) {
      for (let step = 1; step <= 12; step++) {
        const kept = new KeptOutput(limit);
        for (let at = 0; at < whole.length; at += step) kept.add(bytes(whole.slice(at, at + step)));
        const omitted = Math.max(0, whole.length - limit);
        const expected =
          omitted === 0
            ? whole
            : `${whole.slice(0, Math.ceil(limit / 2))}\n[${omitted} bytes left out]\n${whole.slice(whole.length - Math.floor(limit / 2))}`;
        expect(kept.text()).toBe(expected);
      }
    }
  });

  it("holds a copy, not the message", () => {
    const chunk = bytes("abc");
    const kept = new KeptOutput(8);
    kept.add(chunk);
    chunk.fill(0);
    expect(kept.text()).toBe("abc");
  });
});

describe("an output stream", () => {
  it("that nobody iterates is consumed as it comes", () => {
    const { output, seen } = buffer();
    output.push(bytes("abc"));
    expect(seen).toEqual({ consumed: 3, texts: ["abc"] });
  });

  it("is consumed only as far as it is iterated", async () => {
    const { output, seen } = buffer();
    const iterator = output.stream.bytes()[Symbol.asyncIterator]();
    output.push(bytes("abc"));
    output.push(bytes("de"));
    expect(seen.consumed).toBe(0);
    expect(await iterator.next()).toEqual({ done: false, value: bytes("abc") });
    expect(seen.consumed).toBe(3);
    expect(await iterator.next()).toEqual({ done: false, value: bytes("de") });
    expect(seen.consumed).toBe(5);
  });

  it("hands output to an iterator that waits", async () => {
    const { output, seen } = buffer();
    const next = output.stream.bytes()[Symbol.asyncIterator]().next();
    output.push(bytes("abc"));
    expect(await next).toEqual({ done: false, value: bytes("abc") });
    expect(seen.consumed).toBe(3);
  });

  it("yields whole characters, and ends with the execution", async () => {
    const { output } = buffer();
    const collected = collect(output.stream);
    for (const byte of bytes("é€")) output.push(new Uint8Array([byte]));
    output.push(new Uint8Array([0xff, 0xe2]));
    output.end();
    expect(await collected).toEqual(["é", "€", "\ufffd", "\ufffd"]);
  });

  it("yields bytes as they are", async () => {
    const { output } = buffer();
    const collected = collect(output.stream.bytes());
    output.push(new Uint8Array([0xff]));
    output.end();
    expect(await collected).toEqual([new Uint8Array([0xff])]);
  });

  it("iterated late begins with what was kept, also after the end", async () => {
    const { output, seen } = buffer();
    output.push(bytes("early "));
    const collected = collect(output.stream);
    output.push(bytes("late"));
    output.end();
    expect((await collected).join("")).toBe("early late");
    expect(seen.consumed).toBe(10);

    const ended = buffer();
    ended.output.push(bytes("all"));
    ended.output.end();
    expect(await collect(ended.output.stream)).toEqual(["all"]);
  });

  it("flows on when the iteration stops early", async () => {
    const { output, seen } = buffer();
    const iterator = output.stream.bytes()[Symbol.asyncIterator]();
    output.push(bytes("abc"));
    output.push(bytes("def"));
    await iterator.next();
    await iterator.return?.();
    output.push(bytes("ghi"));
    expect(seen.consumed).toBe(9);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("is left by break", async () => {
    const { output, seen } = buffer();
    const left = (async () => {
      for await (const text of output.stream) {
        expect(text).toBe("abc");
        break;
      }
    })();
    output.push(bytes("abc"));
    output.push(bytes("def"));
    await left;
    expect(seen.consumed).toBe(6);
  });

  it("yields what had arrived, then throws the execution's error", async () => {
    const { output } = buffer();
    const iterator = output.stream[Symbol.asyncIterator]();
    output.push(bytes("abc"));
    output.end(new Error("gone"));
    expect((await iterator.next()).value).toBe("abc");
    await expect(iterator.next()).rejects.toThrow("gone");
  });

  it("throws at once to an iterator that waits", async () => {
    const { output } = buffer();
    const next = output.stream[Symbol.asyncIterator]().next();
    output.end(new Error("gone"));
    await expect(next).rejects.toThrow("gone");
  });

  it("is iterated once", () => {
    const { output } = buffer();
    output.stream[Symbol.asyncIterator]();
    expect(() => output.stream.bytes()[Symbol.asyncIterator]()).toThrow(TypeError);
  });
});
