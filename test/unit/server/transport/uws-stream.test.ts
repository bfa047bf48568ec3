import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { TransportHandlers } from "../../../../server/src/transport/transport.js";
import { poll } from "../../../helpers/poll.js";
import { listen } from "./server.js";

/** Answers every request with these parts. */
function streams(parts: (gone: AbortSignal) => AsyncIterable<string>): TransportHandlers {
  return {
    onRequest: () => ({
      maxBodyBytes: 100,
      tooLarge: () => ({ status: 413, headers: {}, body: "" }),
      answer: async (_, gone) => ({ status: 200, headers: { "content-type": "text/plain" }, parts: parts(gone) }),
    }),
    onUpgrade: () => ({ accept: false, response: { status: 404, headers: {}, body: "" } }),
  };
}

const GET = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

function raw(port: number): Socket {
  return connect(port, "127.0.0.1").on("error", () => {});
}

describe("a streamed answer", () => {
  it("arrives whole and in order, and the connection goes on", async () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `${index} ${"x".repeat(index)}\n`);
    const { port } = await listen(
      streams(async function* () {
        yield* lines;
      }),
    );
    for (let round = 0; round < 3; round++) {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain"]);
      expect(await response.text()).toBe(lines.join(""));
    }
  });

  it("is there part by part, while the next one is not", async () => {
    let release: (() => void) | undefined;
    const { port } = await listen(
      streams(async function* () {
        yield "first";
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        yield "second";
      }),
    );
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe("first");
    release?.();
    expect((await reader?.read())?.value).toBe("second");
    expect((await reader?.read())?.done).toBe(true);
  });

  it("waits for a reader that does not read, and goes on with it", async () => {
    const PART = "y".repeat(64 * 1024);
    const PARTS = 400;
    let made = 0;
    const { port } = await listen(
      streams(async function* () {
        for (; made < PARTS; made++) yield PART;
      }),
    );
    const socket = raw(port);
    socket.pause();
    socket.write(GET);
    // What the kernel holds for both ends, and no more: then nothing is asked for any longer.
    let before = -1;
    await poll("no more parts", 20_000, async () => {
      if (made > 0 && made === before) return true;
      before = made;
      await sleep(200);
      return undefined;
    });
    expect(made).toBeLessThan(PARTS / 2);
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.resume();
    await poll("all of it", 20_000, async () => (received > PARTS * PART.length ? true : undefined));
    expect(made).toBe(PARTS);
    socket.destroy();
  });

  it("ends its source when the client goes, whether it waits for a part or for room", async () => {
    const over: string[] = [];
    const { port } = await listen(
      streams(async function* (gone) {
        try {
          yield "z".repeat(100);
          await once(gone, "abort");
        } finally {
          over.push("waiting");
        }
      }),
    );
    const { port: floodPort } = await listen(
      streams(async function* () {
        try {
          for (;;) yield "z".repeat(64 * 1024);
        } finally {
          over.push("flooding");
        }
      }),
    );
    for (const at of [port, floodPort]) {
      const socket = raw(at);
      socket.pause();
      socket.write(GET);
      await sleep(300);
      socket.destroy();
    }
    await poll("both over", 10_000, async () => (over.length === 2 ? true : undefined));
    expect([...over].sort()).toEqual(["flooding", "waiting"]);
  });

  it("outlives the transport's idle timeout as long as something comes now and then", async () => {
    const { port } = await listen(
      streams(async function* () {
        for (let part = 0; part < 4; part++) {
          await sleep(4_000);
          yield `${part}`;
        }
      }),
    );
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("0123");
  });
});
