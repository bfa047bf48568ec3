import type { SocketEnd } from "@zeroboot/sdk/transport";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../../server/src/transport/transport.js";
import { loopbackPlatform } from "../../../../server/src/websocket/loopback.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Both ends of a connection, and what each has seen. */
function connected() {
  const seen: string[] = [];
  let connection: Connection | undefined;
  let end: SocketEnd | undefined;
  const platform = loopbackPlatform((made) => {
    connection = made;
    return {
      onMessage: (message, isBinary) => seen.push(`server ${message.join()} ${isBinary}`),
      onDrain: () => seen.push("server drained"),
      onClose: () => seen.push("server closed"),
    };
  });
  const socket = platform.openSocket(
    { url: platform.defaultUrl(), apiKey: undefined },
    {
      onMessage: (message) => seen.push(`client ${message.join()}`),
      onText: () => seen.push("client text"),
      onEnd: (with_) => {
        end = with_;
        seen.push("client ended");
      },
    },
  );
  return {
    socket,
    seen,
    end: () => end,
    server: () => {
      if (connection === undefined) throw new Error("nothing was accepted");
      return connection;
    },
  };
}

describe("a connection within the process", () => {
  it("carries messages both ways in order, and calls nobody from within its own call", async () => {
    const { socket, server, seen } = connected();
    await turns(1);
    socket.send(bytes(1));
    socket.send(bytes(2));
    expect(server().send(bytes(3))).toBe("sent");
    expect([seen, socket.bufferedBytes]).toEqual([[], 2]);
    await turns(1);
    expect(seen).toEqual(["server 1 true", "server 2 true", "client 3"]);
    expect(socket.bufferedBytes).toBe(0);
  });

  it("gives each message a turn of its own", async () => {
    const { server, seen } = connected();
    await turns(1);
    void Promise.resolve().then(() => seen.push("between"));
    server().send(bytes(1));
    server().send(bytes(2));
    setImmediate(() => {});
    await turns(2);
    expect(seen).toEqual(["between", "client 1", "client 2"]);
  });

  it("delivers before it closes, and tells both ends once", async () => {
    const { socket, server, seen, end } = connected();
    await turns(1);
    server().send(bytes(1));
    server().close(4408, "idle_timeout");
    server().send(bytes(2));
    socket.send(bytes(3));
    socket.close();
    await turns(2);
    expect(seen).toEqual(["client 1", "server closed", "client ended"]);
    expect(end()).toEqual({ code: 4408, reason: "idle_timeout" });
    server().terminate();
    await turns(2);
    expect(seen.length).toBe(3);
  });

  it("closes normally from the client's end", async () => {
    const { socket, seen, end } = connected();
    await turns(1);
    socket.send(bytes(1));
    socket.close();
    await turns(1);
    expect(seen).toEqual(["server 1 true", "server closed", "client ended"]);
    expect(end()).toEqual({ code: 1000, reason: "" });
  });

  it.each(["before it was accepted", "after"])("can be dropped %s", async (when) => {
    const { socket, seen, end } = connected();
    if (when === "after") await turns(1);
    socket.send(bytes(1));
    socket.terminate();
    socket.terminate();
    await turns(3);
    expect(seen.slice(-2)).toEqual(["server closed", "client ended"]);
    expect(end()).toEqual({ code: 1006, reason: "" });
  });
});
