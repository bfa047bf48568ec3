import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClientFrame } from "../../../client/src/protocol/frames.js";
import { MAX_QUEUED_STDIN_BYTES } from "../../../client/src/protocol/limits.js";
import { StdinWriter } from "../../../client/src/stdin-writer.js";

const KIB = 1024;

/** A server that takes a frame of input while there is room for it, and tells so when it is asked. */
class Server {
  room = MAX_QUEUED_STDIN_BYTES;
  readonly taken: Uint8Array[] = [];
  eof = false;
  frames = 0;
  readonly writer: StdinWriter;
  readonly errors: unknown[] = [];
  broken: Error | undefined;
  #refused = 0;

  constructor() {
    this.writer = new StdinWriter("1", this, (error) => this.errors.push(error));
  }

  send(frame: ClientFrame): void {
    if (frame.type !== "stdin") throw new TypeError(`unexpected ${frame.type}`);
    this.frames++;
    if (frame.data.length > this.room) {
      this.#refused++;
      return;
    }
    this.room -= frame.data.length;
    this.taken.push(new Uint8Array(frame.data));
    this.eof ||= frame.eof === true;
  }

  async settled(): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    for (; this.#refused > 0; this.#refused--) {
      if (!this.writer.refused()) throw new TypeError("a refusal that nobody expected");
    }
  }

  get text(): string {
    return Buffer.concat(this.taken).toString();
  }
}

let server: Server;
beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
});
afterEach(() => {
  vi.useRealTimers();
});

const pattern = (bytes: number) => Buffer.alloc(bytes, "0123456789 and so on\n");

describe("standard input", () => {
  it("goes out at once as far as a server must hold it, in pieces that it takes", () => {
    server.writer.write(pattern(MAX_QUEUED_STDIN_BYTES));
    expect(server.frames).toBe(16);
    expect(server.text).toBe(pattern(MAX_QUEUED_STDIN_BYTES).toString());
  });

  it("goes on one piece at a time, and arrives whole however late it is read", async () => {
    const data = pattern(3 * MAX_QUEUED_STDIN_BYTES);
    server.writer.write(data);
    server.writer.close();
    for (let i = 0; i < 40; i++) {
      await vi.advanceTimersByTimeAsync(1000);
      // A program that reads a little now and then.
      server.room += 70 * KIB;
    }
    expect(server.text).toBe(data.toString());
    expect(server.eof).toBe(true);
    expect(server.errors).toEqual([]);
    vi.useRealTimers();
  });

  it("is not sent more often than twice a second while it is not read", async () => {
    server.writer.write(pattern(MAX_QUEUED_STDIN_BYTES + 1));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.frames).toBeGreaterThan(100);
    expect(server.frames).toBeLessThan(145);
  });

  it("may be changed by its owner once it is written", async () => {
    const data = pattern(MAX_QUEUED_STDIN_BYTES + 100);
    const expected = data.toString();
    server.writer.write(data);
    data.fill(0);
    server.room += 100;
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe(expected);
  });

  it("that nobody reads is refused to its owner, not lost", () => {
    const piece = pattern(1024 * KIB);
    for (let i = 0; i < 17; i++) server.writer.write(piece);
    expect(() => server.writer.write(piece)).toThrow(expect.objectContaining({ code: "send_queue_full" }));
  });

  it("cannot be sent again if it was refused before it was expected: what followed may be taken", () => {
    server.writer.write(pattern(10));
    expect(server.writer.refused()).toBe(false);
  });

  it("ends with its execution", async () => {
    server.writer.write(pattern(2 * MAX_QUEUED_STDIN_BYTES));
    server.writer.end();
    const { frames } = server;
    server.room = Number.MAX_SAFE_INTEGER;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.frames).toBe(frames);
  });

  it("that cannot be delivered any more is told once", async () => {
    server.broken = new Error("gone");
    server.writer.write(pattern(2 * MAX_QUEUED_STDIN_BYTES));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.errors).toEqual([server.broken]);
  });
});
