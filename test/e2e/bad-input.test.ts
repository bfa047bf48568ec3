import { Packr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { zeroboot } from "../helpers/program.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const msgpack = new Packr({ useRecords: false, variableMapSize: true });
let server: ServerProcess;
/** Lives through all of this, and must not notice. */
let bystander: RawClient;
beforeAll(async () => {
  server = await ServerProcess.ready();
  bystander = await RawClient.ready(server.url);
  await bystander.run("kept = 1");
});
afterAll(async () => {
  expect((await bystander.run("kept")).result).toBe("1");
  bystander[Symbol.dispose]();
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

describe("a message that cannot be understood ends its session with a reason", () => {
  const nested = Buffer.alloc(64 * 1024, 0x91);
  const cases: readonly (readonly [string, Uint8Array | string, string, readonly number[]])[] = [
    ["a text message", "hello", "text_message", [1003]],
    ["64 KiB of nested arrays", nested, "malformed_frame", [1007]],
    ["nothing at all", new Uint8Array(0), "malformed_frame", [1007]],
    [
      "a frame with bytes after it",
      Buffer.concat([msgpack.pack({ type: "ping", nonce: 1 }), Buffer.of(0)]),
      "malformed_frame",
      [1007],
    ],
    ["the same key twice", Buffer.from("82a474797065a470696e67a474797065a470696e67", "hex"), "malformed_frame", [1007]],
    [
      "an extension type",
      Buffer.from("82a474797065a470696e67a56e6f6e6365d6ff00000000", "hex"),
      "malformed_frame",
      [1007],
    ],
    ["invalid UTF-8 as code", invalidUtf8(), "invalid_utf8", [1007]],
    ["a frame over the limit", new Uint8Array(1088 * 1024 + 1), "frame_too_large", [1009]],
  ];
  for (const [name, message, code, closeCodes] of cases) {
    it(name, async () => {
      using client = await RawClient.ready(server.url);
      client.sendBytes(message);
      expect(await client.failure(code)).toBeDefined();
      expect(closeCodes).toContain((await client.closed).code);
    });
  }

  it("a message larger than the transport takes", async () => {
    using client = await RawClient.ready(server.url);
    client.sendBytes(new Uint8Array(8 * 1024 * 1024));
    expect([1006, 1009]).toContain((await client.closed).code);
  });
});

describe("a frame that is refused leaves the session as it was", () => {
  const cases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ["of an unknown type", { type: "dance" }, "unknown_type"],
    ["without a type", { id: "x" }, "invalid_frame"],
    ["with a field of the wrong type", { type: "execute", id: "x", code: 7 }, "invalid_frame"],
    ["with an empty id", { type: "execute", id: "", code: "1" }, "invalid_frame"],
    ["with a negative timeout", { type: "execute", id: "x", code: "1", timeoutMs: -1 }, "invalid_frame"],
    ["with too much code", { type: "execute", id: "x", code: "#".repeat(1024 * 1024 + 1) }, "code_too_large"],
    ["with input for nothing", { type: "stdin", id: "x", data: Buffer.from("1") }, "unknown_execution"],
    ["interrupting nothing", { type: "interrupt", id: "x" }, "unknown_execution"],
  ];
  for (const [name, frame, code] of cases) {
    it(name, async () => {
      using client = await RawClient.ready(server.url);
      client.send(frame);
      await client.failure(code);
      expect((await client.run("print(1)")).stdout).toBe("1\n");
    });
  }

  it("with the id of one that runs", async () => {
    using client = await RawClient.ready(server.url);
    client.send({ type: "execute", id: "same", code: "import time; time.sleep(0.3); print('first')" });
    client.send({ type: "execute", id: "same", code: "print('second')" });
    expect(await client.failure("duplicate_id")).toMatchObject({ id: "same", frame: "execute" });
    await client.done("same");
    expect(client.frames.filter((frame) => frame.type === "done").length).toBe(1);
  });

  it("before ready", async () => {
    using client = new RawClient(server.url);
    await new Promise((resolve) => client.socket.once("open", resolve));
    client.send({ type: "execute", id: "early", code: "print('early')" });
    const answer = await client.frame((frame) => frame.type === "failure" || frame.type === "done");
    // On a fast host the session may be ready by then.
    if (answer.type === "failure") expect(answer).toMatchObject({ code: "not_ready", id: "early" });
    await client.frame((frame) => frame.type === "ready");
    expect((await client.run("print(1)")).stdout).toBe("1\n");
  });

  it("with more executions than may be queued", async () => {
    using client = await RawClient.ready(server.url);
    const first = client.execute("import time; time.sleep(1)");
    for (let i = 0; i < 64; i++) client.execute("0");
    await client.failure("queue_full");
    await client.done(first);
  });
});

describe("who may connect", () => {
  const refused: readonly (readonly [string, object, string, number])[] = [
    ["a foreign origin", { headers: { origin: "https://evil.example" } }, "origin_forbidden", 4403],
    ["a null origin", { headers: { origin: "null" } }, "origin_forbidden", 4403],
    ["no subprotocol", { protocols: [] }, "subprotocol_unsupported", 4406],
    ["an unknown query parameter", { query: "?color=red" }, "options_invalid", 4400],
    ["an unknown template", { query: "?template=cobol" }, "template_unknown", 4404],
  ];
  for (const [name, options, code, closeCode] of refused) {
    it(`${name} is told why, and no VM is made`, async () => {
      using client = new RawClient(server.url, options);
      await client.failure(code);
      expect((await client.closed).code).toBe(closeCode);
      expect((await server.health()).body.sessions).toBe(1);
    });
  }

  it("a rebinding Host is refused", async () => {
    const port = new URL(server.url).port;
    for (const host of ["evil.example", `evil.example:${port}`]) {
      using client = new RawClient(server.url, { headers: { host } });
      await client.failure("host_forbidden");
    }
  });

  it("a page of the server itself is let in", async () => {
    using client = await RawClient.ready(server.url, { headers: { origin: server.url } });
    expect((await client.run("1")).result).toBe("1");
  });
});

describe("the server's command line", () => {
  it("refuses a port that is in use", async () => {
    const port = new URL(server.url).port;
    const other = await zeroboot(["serve", "--port", port]);
    expect(other.exitCode).toBe(125);
    expect(other.stderr).toContain("port_in_use");
  });

  it("refuses to listen for other machines without keys", async () => {
    const open = await zeroboot(["serve", "--host", "0.0.0.0", "--port", "0"]);
    expect(open.exitCode).toBe(125);
    expect(open.stderr).toContain("insecure_bind");
  });

  it("names the flag or variable that is wrong", async () => {
    const wrong = await zeroboot(["serve"], { env: { ZEROBOOT_PORT: "many" } });
    expect(wrong.exitCode).toBe(125);
    expect(wrong.stderr).toContain("ZEROBOOT_PORT");
  });
});

it("answers HTTP with typed errors", async () => {
  const none = await fetch(`${server.url}/nothing`);
  expect(none.status).toBe(404);
  expect(await none.json()).toMatchObject({ code: "not_found", request_id: expect.any(String) });
  const plain = await fetch(`${server.url}/v1/session`);
  expect(plain.status).toBe(426);
  expect((await fetch(`${server.url}/v1/health`, { method: "POST" })).status).toBe(405);
  // A socket that never says anything sensible harms nobody.
  const junk = new WebSocket(`${server.url.replace("http", "ws")}/elsewhere`);
  await new Promise((resolve) => junk.once("error", resolve));
});

function invalidUtf8(): Uint8Array {
  const frame = Buffer.from(msgpack.pack({ type: "execute", id: "x", code: "????" }));
  return frame.fill(0xff, frame.lastIndexOf("????"));
}
