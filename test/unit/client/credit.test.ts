import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Session } from "../../../client/src/index.js";
import { Peer, type PeerConnection, READY } from "./peer.js";

let peer: Peer;

beforeEach(async () => {
  peer = await Peer.start();
});

afterEach(async () => {
  await peer[Symbol.asyncDispose]();
});

async function connect(initialCreditBytes = READY.limits.initialCreditBytes): Promise<[Session, PeerConnection]> {
  const session = Session.connect({ url: peer.url });
  const server = await peer.accept();
  server.send({ ...READY, limits: { ...READY.limits, initialCreditBytes } });
  return [await session, server];
}

const chunk = new Uint8Array(32 * 1024).fill(0x61);

describe("credit", () => {
  it("is returned for every 64 KiB, whichever execution and stream they belong to", async () => {
    const [session, server] = await connect();
    session.run("a");
    session.run("b");
    const [a, b] = [(await server.next("execute")).id, (await server.next("execute")).id];
    server.stdout(a, chunk);
    server.stdout(b, chunk, "stderr");
    expect(await server.next("credit")).toEqual({ type: "credit", bytes: 65_536 });
    await session.close();
    expect(server.unread).toEqual([]);
  });

  it("is returned for results and errors, too", async () => {
    const [session, server] = await connect();
    session.run("");
    const { id } = await server.next("execute");
    server.send({ type: "result", id, bundle: { "text/plain": "x".repeat(40_000) } });
    server.send({ type: "error", id, name: "E", message: "y".repeat(30_000), traceback: "" });
    expect(await server.next("credit")).toEqual({ type: "credit", bytes: 70_001 });
    await session.close();
  });

  it("is returned for the output of an execution nobody waits for any more", async () => {
    const [session, server] = await connect();
    const abort = new AbortController();
    session.run("", { signal: abort.signal });
    const { id } = await server.next("execute");
    abort.abort();
    await server.next("interrupt");
    server.stdout(id, chunk);
    server.stdout(id, chunk);
    expect((await server.next("credit")).bytes).toBe(65_536);
    await session.close();
  });

  it("is not returned for what an iteration has not reached", async () => {
    const [session, server] = await connect();
    const running = session.run("");
    const chunks = running.stdout.bytes()[Symbol.asyncIterator]();
    const { id } = await server.next("execute");
    for (let at = 0; at < 4; at++) server.stdout(id, chunk);
    const ping = session.ping();
    server.send({ type: "pong", nonce: (await server.next("ping")).nonce });
    await ping;
    expect(server.unread).toEqual([]);
    await chunks.next();
    await chunks.next();
    expect((await server.next("credit")).bytes).toBe(65_536);
    await session.close();
  });

  it("is returned earlier to a server with a small window", async () => {
    const [session, server] = await connect(4096);
    session.run("");
    const { id } = await server.next("execute");
    server.stdout(id, chunk.subarray(0, 1023));
    server.stdout(id, chunk.subarray(0, 1));
    expect(await server.next("credit")).toEqual({ type: "credit", bytes: 1024 });
    await session.close();
  });
});
