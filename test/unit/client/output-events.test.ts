import { describe, expect, it } from "vitest";
import { type OutputEvent, OutputEvents } from "../../../client/src/output-events.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const stdout = (data: Uint8Array | string, seq = 0) =>
  ({ type: "stdout", id: "1", seq, data: typeof data === "string" ? bytes(data) : data }) as const;
const stderr = (data: string) => ({ type: "stderr", id: "1", seq: 0, data: bytes(data) }) as const;
const display = (text: string) => ({ type: "display", id: "1", bundle: { "text/plain": text } }) as const;

function events() {
  const seen = { consumed: 0 };
  const made = new OutputEvents((count) => {
    seen.consumed += count;
  });
  return { events: made, iterator: made[Symbol.asyncIterator](), seen };
}

async function rest(iterator: AsyncIterator<OutputEvent>): Promise<OutputEvent[]> {
  const items: OutputEvent[] = [];
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return items;
    items.push(next.value);
  }
}

describe("OutputEvents", () => {
  it("gives both streams and displays in their order", async () => {
    const { events: of, iterator } = events();
    for (const frame of [stdout("a"), stderr("b"), display("c"), stdout("d")]) of.push(frame);
    of.end();
    expect(await rest(iterator)).toEqual([
      { type: "stdout", text: "a" },
      { type: "stderr", text: "b" },
      { type: "display", bundle: { "text/plain": "c" } },
      { type: "stdout", text: "d" },
    ]);
  });

  it("holds its cost until it is reached", async () => {
    const { events: of, iterator, seen } = events();
    of.push(stdout("abc"));
    of.push(stdout("de"));
    expect(seen.consumed).toBe(0);
    await iterator.next();
    expect(seen.consumed).toBe(3);
    const waiting = iterator.next().then(() => iterator.next());
    await Promise.resolve();
    of.push(stderr("f"));
    await waiting;
    expect(seen.consumed).toBe(6);
  });

  it("never cuts a character in two, whatever comes between its halves", async () => {
    const { events: of, iterator, seen } = events();
    const euro = bytes("€");
    of.push(stdout(euro.subarray(0, 1)));
    expect(seen.consumed).toBe(1);
    of.push(stderr("x"));
    of.push(stdout(euro.subarray(1)));
    of.push(stdout(euro.subarray(0, 2)));
    of.end();
    expect(await rest(iterator)).toEqual([
      { type: "stderr", text: "x" },
      { type: "stdout", text: "€" },
      { type: "stdout", text: "\ufffd" },
    ]);
  });

  it("throws the execution's error, after what came before it", async () => {
    const { events: of, iterator } = events();
    of.push(stdout("a"));
    of.end(new Error("gone"));
    expect((await iterator.next()).value).toEqual({ type: "stdout", text: "a" });
    await expect(iterator.next()).rejects.toThrow("gone");
  });

  it("lets go of everything when nobody wants the rest", async () => {
    const { events: of, iterator, seen } = events();
    of.push(stdout("abc"));
    await iterator.return?.();
    of.push(stdout("de"));
    of.push(display("f"));
    expect(seen.consumed).toBe(6);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("is iterated once", () => {
    const { events: of } = events();
    expect(() => of[Symbol.asyncIterator]()).toThrow(TypeError);
  });
});
