import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { InvalidOptionError, Session } from "../../../client/src/browser.js";
import { Peer, READY } from "./peer.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Every module the sources under `file` import, directly or not. */
function imports(file: URL, found = new Set<string>()): Set<string> {
  for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)) {
    if (!specifier.startsWith(".")) found.add(specifier);
    else {
      const next = new URL(specifier.replace(/\.js$/, ".ts"), file);
      if (found.has(next.href)) continue;
      found.add(next.href);
      imports(next, found);
    }
  }
  return found;
}

describe("the browser build", () => {
  it("reaches nothing of Node", () => {
    const reached = imports(new URL("../../../client/src/browser.ts", import.meta.url));
    const packages = [...reached].filter((name) => !name.startsWith("file:"));
    expect(packages.sort()).toEqual(["msgpackr/index-no-eval", "zod"]);
    expect([...reached].some((name) => name.endsWith("/transport/browser.ts"))).toBe(true);
  });

  it("runs code over the global WebSocket, with the key as a subprotocol", async () => {
    await using peer = await Peer.start();
    vi.stubGlobal("WebSocket", WebSocket);
    vi.stubGlobal("location", { origin: peer.url });
    const connecting = Session.connect({ apiKey: "zb_key-1" });
    const server = await peer.accept();
    expect(server.request.headers["sec-websocket-protocol"]).toBe("zeroboot.v1.msgpack,bearer.zb_key-1");
    server.send(READY);
    const session = await connecting;
    const running = session.run("1");
    const { id } = await server.next("execute");
    server.stdout(id, "out");
    server.done(id);
    expect(await running).toMatchObject({ stdout: "out", status: "ok" });
    await session.close();
    expect((await server.gone).code).toBe(1000);
  });

  it("reports a refusal and a lost connection", async () => {
    await using peer = await Peer.start();
    vi.stubGlobal("WebSocket", WebSocket);
    const refused = Session.connect({ url: peer.url });
    (await peer.accept()).socket.close(4401);
    await expect(refused).rejects.toMatchObject({ name: "SessionRefusedError", code: "unauthorized" });
    const connecting = Session.connect({ url: peer.url });
    const server = await peer.accept();
    server.send(READY);
    const session = await connecting;
    server.socket.terminate();
    expect(await session.closed).toMatchObject({ code: "connection_lost" });
  });

  it("refuses a key a browser cannot send", async () => {
    vi.stubGlobal("WebSocket", WebSocket);
    await expect(Session.connect({ url: "http://localhost", apiKey: "a b" })).rejects.toThrow(InvalidOptionError);
  });
});
