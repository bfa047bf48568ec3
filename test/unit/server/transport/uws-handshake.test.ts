import { FAILURES, type FailureCode, SUBPROTOCOL } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { decodeServerFrame } from "../../../../client/src/protocol/codec.js";
import { checkOrigin, offeredSubprotocols, offersSubprotocol } from "../../../../server/src/access/admission.js";
import { HostPolicy } from "../../../../server/src/access/host-policy.js";
import { failure } from "../../../../server/src/http/responses.js";
import type { TransportHandlers, TransportRequest } from "../../../../server/src/transport/transport.js";
import { refuseConnection } from "../../../../server/src/websocket/endpoint.js";
import { handshake, rawRequest } from "./raw-http.js";
import { Acceptor, connect, listen } from "./server.js";

/** The server's own admission before the transport, without a session behind it. */
class Gate implements TransportHandlers {
  readonly requests: TransportRequest[] = [];
  readonly #policy = new HostPolicy(["zeroboot.test"], ["https://app.test"]);

  onRequest() {
    return failure("upgrade_required", "r1");
  }

  onUpgrade(request: TransportRequest) {
    this.requests.push(request);
    if (request.path === "/elsewhere") return { accept: false as const, response: failure("not_found", "r1") };
    const refused: FailureCode =
      checkOrigin(request, this.#policy) ??
      (offersSubprotocol(offeredSubprotocols(request)) ? "starting" : "subprotocol_unsupported");
    return {
      accept: true as const,
      ...(offersSubprotocol(offeredSubprotocols(request)) ? { protocol: SUBPROTOCOL } : {}),
      open: (connection: Parameters<typeof refuseConnection>[0]) => refuseConnection(connection, refused),
    };
  }
}

/** The failure a client is told, once the connection is closed with that failure's code. */
async function refusal(client: ReturnType<typeof connect>): Promise<string> {
  const { code, reason } = await client.closed;
  const [message, ...more] = client.messages;
  expect(more).toEqual([]);
  const frame = decodeServerFrame(new Uint8Array(message ?? []));
  if (frame.type !== "failure") throw new TypeError(`expected a failure, not ${frame.type}`);
  expect({ code, reason }).toEqual({ code: FAILURES[frame.code as FailureCode].closeCode, reason: frame.code });
  return frame.code;
}

describe("a handshake", () => {
  it("confirms the one subprotocol and never a key that came as another", async () => {
    const { url } = await listen(new Gate());
    const client = connect(url, [SUBPROTOCOL, "bearer.secret"]);
    await client.opened;
    expect(client.socket.protocol).toBe(SUBPROTOCOL);
    expect(await refusal(client)).toBe("starting");
  });

  it("reads method, path, query and headers as they were sent", async () => {
    const gate = new Gate();
    const { url } = await listen(gate);
    await connect(`${url}?template=py%74hon&x=`, [SUBPROTOCOL], { Authorization: "Bearer Key" }).closed;
    const [request] = gate.requests;
    expect(request).toMatchObject({ method: "GET", path: "/v1/session", query: "template=py%74hon&x=" });
    expect(request?.headers.get("authorization")).toBe("Bearer Key");
    expect(request?.remoteAddress).toMatch(/127\.0\.0\.1$/);
  });

  it("tells a page of a foreign origin why, with a failure and its close code", async () => {
    const { url } = await listen(new Gate());
    expect(await refusal(connect(url, [SUBPROTOCOL], { Origin: "https://evil.test" }))).toBe("origin_forbidden");
    expect(await refusal(connect(url, [SUBPROTOCOL], { Origin: "null" }))).toBe("origin_forbidden");
    expect(await refusal(connect(url, [SUBPROTOCOL], { Origin: "https://app.test" }))).toBe("starting");
    expect(await refusal(connect(url, [SUBPROTOCOL], { Origin: url.replace("ws:", "http:") }))).toBe("starting");
  });

  it("refuses a name that was made to resolve to this machine", async () => {
    const { url, port } = await listen(new Gate());
    const rebound = { Host: `evil.test:${port}`, Origin: `http://evil.test:${port}` };
    expect(await refusal(connect(url, [SUBPROTOCOL], rebound))).toBe("host_forbidden");
    expect(await refusal(connect(url, [SUBPROTOCOL], { Host: `zeroboot.test:${port}` }))).toBe("starting");
  });

  it("refuses a client that does not offer the subprotocol, and confirms none", async () => {
    const client = connect((await listen(new Gate())).url);
    await client.opened;
    expect(client.socket.protocol).toBe("");
    expect(await refusal(client)).toBe("subprotocol_unsupported");
  });

  it.each([
    ["two Host headers, the allowed one first", ["Host: localhost", "Host: evil.test"], "host_forbidden"],
    ["two Host headers, the allowed one last", ["Host: evil.test", "Host: localhost"], "host_forbidden"],
    ["the same Host twice", ["Host: localhost", "Host: localhost"], "host_forbidden"],
    [
      "two Origin headers",
      ["Host: localhost", "Origin: https://app.test", "Origin: https://evil.test"],
      "origin_forbidden",
    ],
  ])("is not fooled by %s", async (_, headers, code) => {
    const { port } = await listen(new Gate());
    const protocol = `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`;
    const answer = await rawRequest(port, handshake("/v1/session", [...headers, protocol]), new RegExp(code));
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toContain(code);
  });

  it("is answered by HTTP where no WebSocket is to be had", async () => {
    const { url } = await listen(new Gate());
    const client = connect(url.replace("/v1/session", "/elsewhere"));
    await expect(client.opened).rejects.toThrow("404");
  });
});

describe("a transport", () => {
  it("accepts nobody new once it has stopped listening, and keeps those there are", async () => {
    const acceptor = new Acceptor();
    const running = await listen(acceptor);
    const early = connect(running.url);
    await early.opened;
    running.stopListening();
    running.stopListening();
    await expect(connect(running.url).opened).rejects.toThrow("ECONNREFUSED");
    acceptor.connections[0]?.send(Buffer.from("still here"));
    await new Promise((resolve) => early.socket.once("message", resolve));
    running.close();
    running.close();
    await early.closed;
    expect(acceptor.told[0]?.closes).toBe(1);
  });
});
