import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { Acceptor, connect, listen } from "./server.js";

const text = (message: Uint8Array | undefined): string => Buffer.from(message ?? []).toString();

describe("a connection", () => {
  it("hands over binary and text messages as what they are", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor)).url);
    await client.opened;
    client.socket.send(Buffer.from("bytes"));
    client.socket.send("words");
    await vi.waitFor(() => expect(acceptor.told[0]?.messages).toHaveLength(2));
    const [binary, words] = acceptor.told[0]?.messages ?? [];
    expect([text(binary?.data), binary?.isBinary]).toEqual(["bytes", true]);
    expect([text(words?.data), words?.isBinary]).toEqual(["words", false]);
  });

  it("hands over copies: an earlier message stays as it is", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor)).url);
    await client.opened;
    for (let at = 0; at < 50; at++) client.socket.send(Buffer.alloc(1000, at));
    await vi.waitFor(() => expect(acceptor.told[0]?.messages).toHaveLength(50));
    const first = acceptor.told[0]?.messages.map(({ data }) => new Set(data));
    expect(first).toEqual(Array.from({ length: 50 }, (_, at) => new Set([at])));
  });

  it("delivers what was sent before a close, then its code and reason", async () => {
    const acceptor = new Acceptor((connection) => {
      expect(connection.send(Buffer.from("last words"))).toBe("sent");
      connection.close(4404, "template_unknown");
    });
    const client = connect((await listen(acceptor)).url);
    expect(await client.closed).toEqual({ code: 4404, reason: "template_unknown" });
    expect(client.messages.map(text)).toEqual(["last words"]);
    expect(acceptor.told[0]?.closes).toBe(1);
  });

  it("closes when asked to while corked, after everything of the cork", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor)).url);
    await client.opened;
    const [connection] = acceptor.connections;
    connection?.cork(() => {
      connection.send(Buffer.from("a"));
      connection.cork(() => connection.send(Buffer.from("b")));
      connection.close(4410, "session_deleted");
      expect(connection.send(Buffer.from("c"))).toBe("dropped");
    });
    expect(await client.closed).toEqual({ code: 4410, reason: "session_deleted" });
    expect(client.messages.map(text)).toEqual(["a", "b"]);
  });

  it("can be corked and closed after work in a cork has thrown", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor)).url);
    await client.opened;
    const [connection] = acceptor.connections;
    expect(() =>
      connection?.cork(() => {
        connection.send(Buffer.from("before"));
        throw new RangeError("in the cork");
      }),
    ).toThrow("in the cork");
    connection?.cork(() => connection.send(Buffer.from("after")));
    connection?.close(4524, "protocol_violation");
    expect(await client.closed).toEqual({ code: 4524, reason: "protocol_violation" });
    expect(client.messages.map(text)).toEqual(["before", "after"]);
  });

  it.each(["close", "terminate"] as const)("says once that the client is gone: %s", async (how) => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor)).url);
    await client.opened;
    client.socket[how]();
    await vi.waitFor(() => expect(acceptor.told[0]?.closes).toBe(1));
    const [connection] = acceptor.connections;
    expect(connection?.send(Buffer.from("nobody"))).toBe("dropped");
    connection?.cork(() => {});
    connection?.close(1000, "");
    connection?.terminate();
    expect(acceptor.told[0]?.closes).toBe(1);
  });

  it("drops the client when terminated, without a closing handshake", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor)).url);
    await client.opened;
    acceptor.connections[0]?.terminate();
    expect((await client.closed).code).toBe(1006);
    expect(acceptor.told[0]?.closes).toBe(1);
  });

  it("ends with a message over the limit, and alone", async () => {
    const acceptor = new Acceptor();
    const { url } = await listen(acceptor, { maxMessageBytes: 1000 });
    const [large, other] = [connect(url), connect(url)];
    await Promise.all([large.opened, other.opened]);
    large.socket.send(Buffer.alloc(1001));
    expect([1006, 1009]).toContain((await large.closed).code);
    other.socket.send(Buffer.alloc(1000));
    await vi.waitFor(() => expect(acceptor.told.flatMap(({ messages }) => messages)).toHaveLength(1));
    expect(acceptor.told.map(({ closes }) => closes).sort()).toEqual([0, 1]);
  });
});

describe("back-pressure", () => {
  const chunk = Buffer.alloc(64 * 1024, 0x61);

  it("is told when the client does not read, and its end when all has left", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor, { maxQueuedBytes: 64 * 1024 * 1024 })).url);
    await client.opened;
    client.socket.pause();
    const [connection] = acceptor.connections;
    let sent = 1;
    while (connection?.send(chunk) === "sent") sent++;
    // Far more than the kernel takes at once: it leaves in many pieces.
    for (; sent < 400; sent++) expect(connection?.send(chunk)).toBe("queued");
    client.socket.resume();
    await vi.waitFor(() => expect(client.messages).toHaveLength(sent), { timeout: 10_000 });
    await vi.waitFor(() => expect(acceptor.told[0]?.drains).toBe(1));
    expect(connection?.send(chunk)).toBe("sent");
  });

  it("drops messages beyond the limit and can still close", async () => {
    const acceptor = new Acceptor();
    const client = connect((await listen(acceptor, { maxQueuedBytes: 256 * 1024 })).url);
    await client.opened;
    client.socket.pause();
    const [connection] = acceptor.connections;
    let result = connection?.send(chunk);
    for (let at = 0; at < 1000 && result !== "dropped"; at++) result = connection?.send(chunk);
    expect(result).toBe("dropped");
    connection?.close(4413, "slow_reader");
    expect(acceptor.told[0]?.closes).toBe(1);
    client.socket.resume();
    await once(client.socket, "close");
  });
});
