import { describe, expect, it, onTestFinished } from "vitest";
import { Session } from "../../../client/src/index.js";
import { MAX_QUEUED_STDIN_BYTES, MAX_STDIN_CHUNK_BYTES } from "../../../client/src/protocol/limits.js";
import { Peer, READY } from "./peer.js";

async function connected() {
  const peer = await Peer.start();
  onTestFinished(() => peer[Symbol.asyncDispose]());
  const connecting = Session.connect({ url: peer.url });
  const server = await peer.accept();
  server.send(READY);
  return { session: await connecting, server };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 30));

describe("feeding a program", () => {
  it("waits for the server to have room, and no longer", async () => {
    const { session, server } = await connected();
    const execution = session.run("1", { stdin: "open" });
    const { id } = await server.next("execute");
    execution.write(new Uint8Array(MAX_QUEUED_STDIN_BYTES));
    await execution.drained();
    for (let sent = 0; sent < MAX_QUEUED_STDIN_BYTES; sent += MAX_STDIN_CHUNK_BYTES) await server.next("stdin");
    execution.write(new Uint8Array(10));
    let isDrained = false;
    const drained = execution.drained().then(() => {
      isDrained = true;
    });
    await server.next("stdin");
    const first = await server.next("ping");
    // It has no room yet.
    server.send({ type: "failure", code: "stdin_overflow", message: "", frame: "stdin", id });
    server.send({ type: "pong", nonce: first.nonce });
    await server.next("stdin");
    const second = await server.next("ping");
    await turn();
    expect(isDrained).toBe(false);
    server.send({ type: "pong", nonce: second.nonce });
    await drained;
    server.done(id);
    await execution;
    await session.close();
  });

  it("waits for nobody when the program has ended", async () => {
    const { session, server } = await connected();
    const execution = session.run("1", { stdin: "open" });
    const { id } = await server.next("execute");
    execution.write(new Uint8Array(2 * MAX_QUEUED_STDIN_BYTES));
    const drained = execution.drained();
    server.done(id);
    await drained;
    await execution.drained();
    await session.close();
  });

  it("hears when the program waits for input", async () => {
    const { session, server } = await connected();
    const requests: unknown[] = [];
    const execution = session.run("1", { stdin: "open", onInputRequest: (request) => requests.push(request) });
    const { id } = await server.next("execute");
    server.send({ type: "inputRequest", id, prompt: "? ", password: true });
    server.done(id);
    await execution;
    expect(requests).toEqual([{ prompt: "? ", password: true }]);
    await session.close();
  });

  it("says of output that nobody wanted kept only whether the server cut it", async () => {
    const { session, server } = await connected();
    for (const truncated of [false, true]) {
      const execution = session.run("1", { maxOutputBytes: 0 });
      const { id } = await server.next("execute");
      server.stdout(id, "text");
      server.done(id, { truncated });
      expect((await execution).truncated).toBe(truncated);
    }
    await session.close();
  });
});
