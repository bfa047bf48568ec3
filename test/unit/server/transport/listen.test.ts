import { describe, expect, it } from "vitest";
import { listenError } from "../../../../server/src/transport/listen-error.js";
import { createUwsTransport } from "../../../../server/src/transport/uws.js";
import { Acceptor, listen, OPTIONS, occupiedPort } from "./server.js";

describe("a port in use", () => {
  it("is named, with what to do, when another program has it", async () => {
    const port = await occupiedPort();
    const transport = await createUwsTransport(new Acceptor(), OPTIONS);
    await expect(transport.listen("127.0.0.1", port)).rejects.toMatchObject({
      code: "port_in_use",
      message: `127.0.0.1 port ${port} is in use by another program`,
      remedy: expect.stringContaining("--port"),
    });
    transport.close();
  });

  it("is not shared between two servers", async () => {
    const { port } = await listen(new Acceptor());
    const second = await createUwsTransport(new Acceptor(), OPTIONS);
    await expect(second.listen("127.0.0.1", port)).rejects.toMatchObject({ code: "port_in_use" });
    second.close();
  });
});

describe("an address that cannot be listened on", () => {
  it("is told apart from a port in use", async () => {
    // TEST-NET-1: never an address of this machine.
    expect(await listenError("192.0.2.1", 8080)).toMatchObject({
      code: "listen_failed",
      remedy: expect.stringContaining("--host"),
    });
  });

  it("is reported even if it could be listened on by now", async () => {
    const error = await listenError("127.0.0.1", 0);
    expect(error).toMatchObject({ code: "listen_failed", message: "cannot listen on 127.0.0.1 port 0" });
  });
});
