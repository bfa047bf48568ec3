import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { HostPolicy } from "../../../../server/src/access/host-policy.js";
import { failure, json } from "../../../../server/src/http/responses.js";
import { createRouter } from "../../../../server/src/http/router.js";
import type {
  DeferredAnswer,
  TransportHandlers,
  TransportRequest,
} from "../../../../server/src/transport/transport.js";
import { request } from "../request.js";
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

describe("an answer that waits for the body", () => {
  const LIMIT = 100_000;
  const deferred = (answer: DeferredAnswer["answer"]): TransportHandlers => ({
    ...echo,
    onRequest: () => ({ maxBodyBytes: LIMIT, tooLarge: () => json(413, {}), answer }),
  });
  const echoing = deferred(async (body) => json(200, { length: body.length, first: body[0], last: body.at(-1) }));
  const post = (port: number, body: string | Uint8Array | ReadableStream, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}/`, { method: "POST", body, headers, duplex: "half" } as RequestInit);

  it("has all of it", async () => {
    const { port } = await listen(echoing);
    for (const length of [1, 1000, LIMIT]) {
      const body = Buffer.alloc(length, 1);
      body[length - 1] = 2;
      const answer = await post(port, body);
      expect(await answer.json()).toEqual({ length, first: length === 1 ? 2 : 1, last: 2 });
    }
  });

  it("has an empty one where there is none", async () => {
    const { port } = await listen(echoing);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual({ length: 0 });
    const head = await rawRequest(port, ["HEAD / HTTP/1.1", "Host: localhost", "Connection: close"]);
    expect(head.split("\r\n\r\n")).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK/), ""]);
  });

  it("has one that comes in chunks of unknown number", async () => {
    const { port } = await listen(echoing);
    const chunks = new ReadableStream({
      async start(controller) {
        for (let i = 0; i < 50; i++) {
          controller.enqueue(new Uint8Array(100).fill(i));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        controller.close();
      },
    });
    expect(await (await post(port, chunks)).json()).toEqual({ length: 5000, first: 0, last: 49 });
  });

  it("is refused when it is too large, whether that is said or found out", async () => {
    const { port } = await listen(echoing);
    const head = ["POST / HTTP/1.1", "Host: localhost"];
    const said = await rawRequest(port, [...head, `Content-Length: ${LIMIT + 1}`]);
    expect(said).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const found = await rawRequest(port, [...head, "Transfer-Encoding: chunked", "", chunk + chunk]);
    expect(found).toMatch(/^HTTP\/1\.1 413 /);
    expect((await post(port, Buffer.alloc(5_000_000))).status).toBe(413);
    expect((await post(port, "x")).status).toBe(200);
  });

  it("may take its time, and goes nowhere when the client has left", async () => {
    const aborted: boolean[] = [];
    const { port } = await listen(
      deferred(async (_, gone) => {
        await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
        aborted.push(gone.aborted);
        return json(200, {});
      }),
    );
    const controller = new AbortController();
    const asked = fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "x", signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(asked).rejects.toThrow();
    await expect.poll(() => aborted, { timeout: 5000 }).toEqual([true]);
  });

  it.each([
    ["two lengths", ["Content-Length: 1", "Content-Length: 2"]],
    ["a length and chunks", ["Content-Length: 1", "Transfer-Encoding: chunked"]],
    ["a length that is none", ["Content-Length: 1x"]],
  ])("is not awaited of a request with %s", async (_, lines) => {
    const router = createRouter(new HostPolicy([], []), {
      "/": { methods: ["POST"], handle: () => echoing.onRequest(request()) },
    });
    const { port } = await listen({ ...echo, onRequest: router });
    const answer = await rawRequest(port, ["POST / HTTP/1.1", "Host: localhost", ...lines, "", "x"], /never/);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).not.toContain("200 OK");
  });

  it.each([[[]], [["Host:"]], [["Host: localhost", "Host: localhost"]]])("is not given to Host %j", async (lines) => {
    const router = createRouter(new HostPolicy([], []), {
      "/": { methods: ["POST"], handle: () => echoing.onRequest(request()) },
    });
    const { port } = await listen({ ...echo, onRequest: router });
    const answer = await rawRequest(port, [
      "POST / HTTP/1.1",
      ...lines,
      "Connection: close",
      "Content-Length: 1",
      "",
      "x",
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|421) /);
  });
});
