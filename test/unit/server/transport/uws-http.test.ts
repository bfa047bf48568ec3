import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { failure, json } from "../../../../server/src/http/responses.js";
import type { TransportHandlers, TransportRequest } from "../../../../server/src/transport/transport.js";
import { rawRequest } from "./raw-http.js";
import { listen } from "./server.js";

/** Answers with what it was asked. */
const echo: TransportHandlers = {
  onRequest: ({ method, path, query }: TransportRequest) => json(200, { method, path, query }),
  onUpgrade: () => ({ accept: false, response: failure("not_found", "r1") }),
};

describe("HTTP", () => {
  it("is answered with status, headers and body", async () => {
    const { port } = await listen(echo);
    const response = await fetch(`http://127.0.0.1:${port}/a/B?c=d`);
    expect([response.status, response.statusText]).toEqual([200, "OK"]);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toEqual({ method: "GET", path: "/a/B", query: "c=d" });
  });

  it("is answered to HEAD with the length of the body and without the body", async () => {
    const { port } = await listen(echo);
    const answer = await rawRequest(port, ["HEAD / HTTP/1.1", "Host: localhost", "Connection: close"]);
    const body = `${JSON.stringify({ method: "HEAD", path: "/", query: "" })}\n`;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.match(/^content-length: .*$/gim)).toEqual([`content-length: ${body.length}`]);
    expect(answer.split("\r\n\r\n")).toEqual([expect.any(String), ""]);
  });

  it("goes on with the next request of a connection after HEAD and after a body nobody reads", async () => {
    const { port } = await listen(echo);
    const requests = [
      ...["HEAD /1 HTTP/1.1", "Host: localhost", ""],
      ...["POST /2 HTTP/1.1", "Host: localhost", "Content-Length: 5", "", "12345GET /3 HTTP/1.1", "Host: localhost"],
    ];
    const answer = await rawRequest(port, requests, /"\/3"/);
    expect(answer.match(/^HTTP\/1\.1 200 OK/gm)).toHaveLength(3);
    expect(answer).toContain('"method":"POST","path":"/2"');
  });

  it.each([
    ["nothing but noise", "\x00\x01\x02\r\n\r\n"],
    ["a request cut off in its headers", "GET / HTTP/1.1\r\nHost: loc"],
    ["a request cut off in its body", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"],
    ["a length that is none", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"],
    [
      "a half handshake",
      "GET /v1/session HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short\r\n\r\n",
    ],
  ])("survives %s", async (_, bytes) => {
    const { port } = await listen(echo);
    await new Promise<void>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port }, () => socket.end(bytes, "latin1"));
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.resume();
    });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });
});
