import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Packr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAILURES, type FailureCode } from "../../client/src/protocol/codes.js";
import { REPOSITORY } from "../helpers/pages.js";
import { RawClient, type RawClientOptions } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

/** How a code came: the status of an HTTP answer, the close code of a WebSocket, or by a frame of a session that goes on. */
type Seen = { readonly status: number } | { readonly closeCode: number } | "the session goes on";
/** One way to be told a code. */
type Way = (code: FailureCode) => Promise<Seen>;
/** All of them; or the test that shows it where it has one of its own; or what alone can bring it about. */
type Shown = readonly Way[] | `test/${string}` | `native/${string}` | { readonly only: string };

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
const FRAME_LIMIT_BYTES = 1088 * 1024;
const CODE_LIMIT_BYTES = 1024 * 1024;
const LIFETIME_MS = 5000;
/** Of a demo key. */
const REQUESTS_A_MINUTE = 10;
/** In a row, after which a session is ended. */
const REFUSED_FRAMES = 256;
const KEYS = {
  mine: "zb_live_mine",
  other: "zb_live_other",
  old: "zb_live_old",
  demo: "zb_demo_one",
  metrics: "zb_read",
};

const msgpack = new Packr({ useRecords: false, variableMapSize: true });
const keyFile = join(tmpdir(), `zeroboot-contract-${process.pid}.json`);
let server: ServerProcess;
/** Its sessions live for {@link LIFETIME_MS}. */
let brief: ServerProcess;

beforeAll(async () => {
  const { old, metrics, ...good } = KEYS;
  const special = [
    { key: old, expiresAt: "2020-01-01T00:00:00Z" },
    { key: metrics, role: "metrics" },
  ];
  writeFileSync(keyFile, JSON.stringify([...Object.values(good), ...special]));
  const limits = ["--max-sessions", "3", "--max-sessions-per-key", "2"];
  server = await ServerProcess.ready(["--api-keys-file", keyFile, ...limits]);
  brief = await ServerProcess.ready(["--session-lifetime-ms", String(LIFETIME_MS)]);
});
afterAll(async () => {
  for (const each of [server, brief]) expect(await each.stop()).toEqual({ exitCode: 0, signal: null });
  rmSync(keyFile);
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** A request of the test's key, unless its headers say otherwise. */
function http(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  return async (code: FailureCode): Promise<Seen> => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { ...bearer(KEYS.mine), "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const answer = (await response.json()) as { code: string };
    expect(answer).toMatchObject({ code, error: expect.any(String), request_id: expect.any(String) });
    if (response.status === 429 || response.status === 503) {
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    return { status: response.status };
  };
}

/** A WebSocket that is refused or ended: what it sends first, once it is ready. */
function socket(options: RawClientOptions = {}, sends: readonly (Uint8Array | string)[] = [], at = () => server) {
  return async (code: FailureCode): Promise<Seen> => {
    using client = new RawClient(at().url, { headers: bearer(KEYS.mine), ...options });
    if (sends.length > 0) await client.frame(({ type }) => type === "ready");
    for (const message of sends) client.sendBytes(message);
    await client.frame((frame) => frame.code === code || frame.reason === code);
    return { closeCode: (await client.closed).code };
  };
}

/** A frame that a session refuses, and goes on. */
function frame(...frames: readonly Record<string, unknown>[]) {
  return async (code: FailureCode): Promise<Seen> => {
    using client = await RawClient.ready(server.url, { headers: bearer(KEYS.mine) });
    for (const each of frames) client.send(each);
    await client.failure(code);
    client.send({ type: "interrupt", id: "long" });
    expect((await client.run("print(1)")).stdout).toBe("1\n");
    return "the session goes on";
  };
}

/** A cell that ends its virtual machine. */
function cell(code: string) {
  return async (reason: FailureCode): Promise<Seen> => {
    using client = await RawClient.ready(server.url, { headers: bearer(KEYS.mine) });
    client.execute(code);
    await client.frame((frame) => frame.code === reason || frame.reason === reason);
    return { closeCode: (await client.closed).code };
  };
}

/** With as many sessions there as `keys` has, each of one key. */
function beside(keys: readonly string[], way: Way) {
  return async (code: FailureCode): Promise<Seen> => {
    const clients = await Promise.all(keys.map((key) => RawClient.ready(server.url, { headers: bearer(key) })));
    try {
      return await way(code);
    } finally {
      for (const client of clients) client.socket.close();
      await server.emptied(60_000);
    }
  };
}

const LONG = { type: "execute", id: "long", code: "import time; time.sleep(100)" };
const EXEC = JSON.stringify({ code: "1" });
const forged = { origin: "https://evil.example" };
const none = { authorization: "" };
const full = [KEYS.mine, KEYS.mine, KEYS.other];

const SHOWN: Record<FailureCode, Shown> = {
  unauthorized: [
    socket({ headers: {} }),
    socket({ headers: bearer("zb_live_no") }),
    http("POST", "/v1/exec", EXEC, none),
  ],
  key_expired: [socket({ headers: bearer(KEYS.old) }), http("POST", "/v1/exec", EXEC, bearer(KEYS.old))],
  key_not_permitted: [
    socket({ headers: bearer(KEYS.metrics) }),
    http("POST", "/v1/exec", EXEC, bearer(KEYS.metrics)),
    http("GET", "/v1/metrics"),
  ],
  origin_forbidden: [
    socket({ headers: { ...bearer(KEYS.mine), ...forged } }),
    socket({ headers: { ...bearer(KEYS.mine), origin: "null" } }),
    http("POST", "/v1/exec", EXEC, forged),
  ],
  host_forbidden: [socket({ headers: { ...bearer(KEYS.mine), host: "evil.example" } }), rebound],
  subprotocol_unsupported: [socket({ protocols: [] })],
  options_invalid: [socket({ query: "?color=red" })],
  template_unknown: [
    socket({ query: "?template=cobol" }),
    http("POST", "/v1/exec", JSON.stringify({ code: "1", template: "cobol" })),
  ],
  starting: "test/e2e/template.test.ts",
  template_building: "test/e2e/templates.test.ts",
  template_failed: "test/e2e/templates.test.ts",
  capacity_exhausted: [
    beside(full, socket({ headers: bearer(KEYS.other) })),
    beside(full, http("POST", "/v1/exec", EXEC, bearer(KEYS.other))),
  ],
  key_capacity_exhausted: [
    beside([KEYS.mine, KEYS.mine], socket()),
    beside([KEYS.mine, KEYS.mine], http("POST", "/v1/exec", EXEC)),
  ],
  rate_limited: [tooOften, socket({ headers: bearer(KEYS.demo) })],
  text_message: [socket({}, ["hello"])],
  malformed_frame: [socket({}, [Buffer.alloc(64 * 1024, 0x91)])],
  invalid_utf8: [socket({}, [invalidUtf8()])],
  frame_too_large: [socket({}, [new Uint8Array(FRAME_LIMIT_BYTES + 1)])],
  too_many_failures: [socket({}, Array(REFUSED_FRAMES + 1).fill(msgpack.pack({ type: "dance" })))],
  unknown_type: [frame({ type: "dance" })],
  invalid_frame: [frame({ type: "execute", id: "x", code: 7 })],
  unsupported: { only: "a later version's frames" },
  not_ready: "test/e2e/bad-input.test.ts",
  duplicate_id: [frame(LONG, LONG)],
  unknown_execution: [frame({ type: "stdin", id: "x", data: Buffer.from("1") }), frame({ type: "interrupt", id: "x" })],
  queue_full: "test/e2e/bad-input.test.ts",
  code_too_large: [frame({ type: "execute", id: "x", code: "#".repeat(CODE_LIMIT_BYTES + 1) })],
  stdin_overflow: "test/e2e/flow.test.ts",
  restarted: "test/e2e/interrupt.test.ts",
  stdin_closed: [frame({ ...LONG, stdin: "closed" }, { type: "stdin", id: "long", data: Buffer.from("1") })],
  session_closed: { only: "the SDK's and the server's own word for an end that the client asked for" },
  shutting_down: "test/e2e/teardown.test.ts",
  internal: { only: "a defect" },
  session_deleted: [deleted],
  idle_timeout: "test/e2e/flow.test.ts",
  lifetime_exceeded: [socket({}, [], () => brief)],
  slow_reader: "test/unit/server/transport/uws-connection.test.ts",
  output_limit: "test/e2e/flow.test.ts",
  guest_panic: "native/test/engine/hostile_test.cc",
  guest_reset: [cell("import ctypes; ctypes.CDLL(None).reboot(0x1234567)")],
  triple_fault: "native/test/engine/hostile_test.cc",
  agent_exited: [cell("import os; os._exit(3)")],
  out_of_memory: "native/test/engine/memory_test.cc",
  protocol_violation: "native/test/engine/hostile_test.cc",
  emulation_failure: "native/test/engine/hostile_test.cc",
  identity_refused: { only: "a template that does not reseed" },
  kvm_failed: { only: "a defect of the host's KVM" },
  fork_failed: { only: "a host without memory or descriptors" },
  not_found: [http("GET", "/v1/nothing"), http("POST", "/nothing", "{}")],
  page_not_built: "test/unit/server/http/page.test.ts",
  method_not_allowed: [http("PUT", "/v1/exec", "{}"), http("POST", "/v1/health", "{}")],
  request_malformed: "test/unit/server/http/router.test.ts",
  media_type_unsupported: [http("POST", "/v1/exec", EXEC, { "content-type": "text/plain" })],
  body_too_large: [http("POST", "/v1/exec", " ".repeat(BODY_LIMIT_BYTES + 1))],
  invalid_request: [http("POST", "/v1/exec", "{}"), http("POST", "/v1/exec/batch", '{"executions":[]}')],
  language_unknown: [http("POST", "/v1/exec", JSON.stringify({ code: "1", language: "cobol" }))],
  session_unknown: [http("DELETE", "/v1/sessions/00000000-0000-7000-8000-000000000000")],
  upgrade_required: [http("GET", "/v1/session")],
};

describe("every code a client can be told", () => {
  for (const [name, shown] of Object.entries(SHOWN)) {
    const code = name as FailureCode;
    if (typeof shown === "object" && "only" in shown) continue;
    if (typeof shown === "string") {
      it(`${code} is shown by ${shown}`, () => {
        const test = readFileSync(join(REPOSITORY, shown), "utf8");
        const inCpp = `k${code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
        expect(test.includes(code) || test.includes(inCpp)).toBe(true);
      });
      continue;
    }
    shown.forEach((way, index) => {
      it(`${code}, way ${index + 1}`, async () => {
        const { closeCode, httpStatus } = FAILURES[code];
        const seen = await way(code);
        if (seen === "the session goes on") expect(closeCode).toBeNull();
        else expect(seen).toEqual("status" in seen ? { status: httpStatus } : { closeCode });
      });
    });
  }
});

function rebound(code: FailureCode): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const request = get(`${server.url}/v1/health`, { headers: { host: "evil.example" }, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => {
        expect(JSON.parse(body)).toMatchObject({ code });
        resolve({ status: response.statusCode ?? 0 });
      });
    });
    request.on("error", reject);
  });
}

async function tooOften(code: FailureCode): Promise<Seen> {
  const ask = () => fetch(`${server.url}/v1/sessions`, { headers: bearer(KEYS.demo) });
  for (let i = 0; i < REQUESTS_A_MINUTE; i++) expect((await ask()).status).toBe(200);
  return http("GET", "/v1/sessions", undefined, bearer(KEYS.demo))(code);
}

async function deleted(code: FailureCode): Promise<Seen> {
  using client = await RawClient.ready(server.url, { headers: bearer(KEYS.mine) });
  const { sessionId } = await client.frame(({ type }) => type === "ready");
  const answer = await fetch(`${server.url}/v1/sessions/${sessionId}`, {
    method: "DELETE",
    headers: bearer(KEYS.mine),
  });
  expect(answer.status).toBe(204);
  await client.frame((frame) => frame.code === code || frame.reason === code);
  return { closeCode: (await client.closed).code };
}

function invalidUtf8(): Uint8Array {
  const frame = Buffer.from(msgpack.pack({ type: "execute", id: "x", code: "????" }));
  return frame.fill(0xff, frame.lastIndexOf("????"));
}
