import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../helpers/pages.js";
import { poll } from "../helpers/poll.js";
import { runProgram } from "../helpers/program.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const CLEANED_WITHIN_MS = 60_000;
const scratch = mkdtempSync(join(tmpdir(), "zeroboot-rest-"));
const keyFile = join(scratch, "keys.json");
const KEYS = [
  "zb_live_test",
  { key: "zb_live_other", name: "other" },
  { key: "zb_live_old", expiresAt: "2020-01-01T00:00:00Z" },
];

let server: ServerProcess;
beforeAll(async () => {
  writeFileSync(keyFile, JSON.stringify(KEYS));
  server = await ServerProcess.ready([
    "--api-keys-file",
    keyFile,
    "--max-sessions",
    "8",
    "--max-sessions-per-key",
    "6",
  ]);
});
afterAll(async () => {
  expect(await server.emptied(CLEANED_WITHIN_MS)).toBeLessThan(CLEANED_WITHIN_MS);
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
  for (const secret of ["zb_live_", "SECRET_CODE", "SECRET_OUTPUT"]) expect(server.stderr).not.toContain(secret);
  rmSync(scratch, { recursive: true });
});

/** The fields of all answers; each test asserts those that its answer has. */
interface Body {
  readonly id: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly exec_time_ms: number;
  readonly total_time_ms: number;
  readonly code: string;
  readonly request_id: string;
  readonly results: readonly Body[];
  readonly sessions: readonly unknown[];
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

async function ask(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: "Bearer zb_live_test", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...init,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

const exec = (body: object) => ask("POST", "/v1/exec", body);

describe("POST /v1/exec", () => {
  it("runs code in a VM of its own and says all about it", async () => {
    const { status, body, headers } = await exec({ code: "print(1 + 1)" });
    expect([status, headers.get("content-type"), headers.get("x-request-id")]).toEqual([
      200,
      "application/json; charset=utf-8",
      body.id,
    ]);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      stdout: "2\n",
      stderr: "",
      exit_code: 0,
      output: "2\n",
      timed_out: false,
      truncated: false,
      fork_time_ms: expect.any(Number),
      exec_time_ms: expect.any(Number),
      total_time_ms: expect.any(Number),
      duration_ms: body.total_time_ms,
    });
    expect(body.total_time_ms).toBeGreaterThan(body.exec_time_ms);
  });

  it("has real exit codes, and standard error apart", async () => {
    const code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)";
    expect((await exec({ code, language: "python" })).body).toMatchObject({
      stdout: "out\n",
      stderr: "err\n",
      exit_code: 3,
    });
    const raised = (await exec({ code: "1 / 0" })).body;
    expect(raised).toMatchObject({ exit_code: 1, stdout: "" });
    expect(raised.stderr).toMatch(/^Traceback[\s\S]*ZeroDivisionError: division by zero\n$/);
  });

  it("takes standard input, variables and code of several lines; the value of a last expression is there", async () => {
    const code = "import os\nname = input()\nfor _ in range(2):\n    print(name, os.environ['WHO'])\nlen(name)";
    const { body } = await exec({ code, stdin: "line\n", env: { WHO: "me" } });
    expect(body).toMatchObject({ stdout: "line me\nline me\n", exit_code: 0, result: "4" });
  });

  it("keeps what was printed before the time ran out", async () => {
    const { status, body } = await exec({
      code: "print('before', flush=True)\nimport time\ntime.sleep(100)",
      timeout_seconds: 3,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ stdout: "before\n", timed_out: true, exit_code: 124 });
  });

  it("has nothing of another run, and neither sees forged ends", async () => {
    await exec({ code: "x = 1\nopen('/tmp/left', 'w').write('x')" });
    const { body } = await exec({
      code: "import os\nprint('x' in globals(), os.path.exists('/tmp/left'), 'ZEROBOOT_DONE')",
    });
    expect(body.stdout).toBe("False False ZEROBOOT_DONE\n");
  });

  it("cuts long output visibly", async () => {
    const { body } = await exec({ code: "print('a' * 10_000_000)" });
    expect(body.truncated).toBe(true);
    expect(body.stdout).toMatch(/^a+\n\[\d+ bytes left out\]\na+\n$/);
    expect(body.stdout.length).toBeLessThan(4 * 1024 * 1024 + 100);
  });

  it("survives a program that ends its VM", async () => {
    expect((await exec({ code: "import os\nprint('last', flush=True)\nos._exit(9)" })).body).toMatchObject({
      stdout: "last\n",
      exit_code: 137,
    });
  });

  it("has an alias at /exec", async () => {
    expect((await ask("POST", "/exec", { code: "print('SECRET_OUTPUT') # SECRET_CODE" })).body.stdout).toBe(
      "SECRET_OUTPUT\n",
    );
  });

  it("runs as many at a time as the key may have", async () => {
    const codes = Array.from({ length: 6 }, (_, i) => exec({ code: `print(${i} ** 2)` }));
    const answers = await Promise.all(codes);
    expect(answers.map(({ status, body }) => [status, body.stdout])).toEqual(codes.map((_, i) => [200, `${i ** 2}\n`]));
  });

  it("frees the VM of a client that goes away", async () => {
    const controller = new AbortController();
    const asked = ask(
      "POST",
      "/v1/exec",
      { code: "while True: pass", timeout_seconds: 300 },
      { signal: controller.signal },
    );
    await poll("the VM", CLEANED_WITHIN_MS, async () => ((await server.health()).body.vms > 0 ? true : undefined));
    controller.abort();
    await expect(asked).rejects.toThrow();
    expect(await server.emptied(CLEANED_WITHIN_MS)).toBeLessThan(CLEANED_WITHIN_MS);
  });
});

describe("POST /v1/exec/batch", () => {
  it("answers in order, each for itself", async () => {
    const { status, body } = await ask("POST", "/v1/exec/batch", {
      executions: [
        { code: "import time\ntime.sleep(0.3)\nprint('slow')" },
        { code: "print('fast')" },
        { code: 7 },
        { code: "print(1)", language: "cobol" },
        { code: "raise SystemExit(2)" },
      ],
    });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { stdout: "slow\n", exit_code: 0 },
      { stdout: "fast\n", exit_code: 0 },
      { code: "invalid_request" },
      { code: "language_unknown" },
      { exit_code: 2 },
    ]);
    expect(new Set(body.results.slice(0, 2).map(({ id }: { id: string }) => id)).size).toBe(2);
  });

  it.each([{}, { executions: [] }, { executions: Array(101).fill({ code: "1" }) }, []])(
    "is refused as %j",
    async (body) => {
      expect(await ask("POST", "/v1/exec/batch", body)).toMatchObject({
        status: 400,
        body: { code: "invalid_request" },
      });
    },
  );
});

describe("a request that is refused", () => {
  const bodies: readonly (readonly [string, unknown, number, string, RegExp])[] = [
    ["no JSON", "{", 400, "invalid_request", /not JSON/],
    ["no code", {}, 400, "invalid_request", /^code: /],
    ["code that is no text", { code: 1 }, 400, "invalid_request", /^code: /],
    ["code that is too long", { code: "#".repeat(1024 * 1024 + 1) }, 400, "invalid_request", /^code: at most/],
    ["an unknown language", { code: "1", language: "cobol" }, 400, "language_unknown", /python, node, javascript/],
    ["an unknown template", { code: "1", template: "cobol" }, 404, "template_unknown", /template/],
    [
      "language and template",
      { code: "1", language: "python", template: "python" },
      400,
      "invalid_request",
      /not both/,
    ],
    ["no time", { code: "1", timeout_seconds: 0 }, 400, "invalid_request", /^timeout_seconds: /],
    ["too much time", { code: "1", timeout_seconds: 301 }, 400, "invalid_request", /^timeout_seconds: /],
    ["half a second", { code: "1", timeout_seconds: 0.5 }, 400, "invalid_request", /^timeout_seconds: /],
    ["a bad variable", { code: "1", env: { "a=b": "c" } }, 400, "invalid_request", /env/],
    ["files", { code: "1", files: {} }, 400, "invalid_request", /^files: /],
  ];
  it.each(bodies)("%s", async (_, body, status, code, error) => {
    const answer = await ask("POST", "/v1/exec", body);
    expect(answer).toMatchObject({ status, body: { code, error: expect.stringMatching(error) } });
    expect(answer.body.request_id).toBe(answer.headers.get("x-request-id"));
  });

  it("comes with another type of body, or none", async () => {
    const headers = { authorization: "Bearer zb_live_test" };
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      const answer = await ask("POST", "/v1/exec", '{"code":"1"}', { headers: { ...headers, "content-type": type } });
      expect(answer).toMatchObject({ status: 415, body: { code: "media_type_unsupported" } });
    }
  });

  it("has too large a body", async () => {
    expect(await ask("POST", "/v1/exec", " ".repeat(4 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { code: "body_too_large" },
    });
  });

  it("has no key, a wrong one, or one that has ended, at REST as at WebSocket", async () => {
    for (const [key, code] of [
      [undefined, "unauthorized"],
      ["zb_live_nobody", "unauthorized"],
      ["zb_live_old", "key_expired"],
    ] as const) {
      const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const headers = { ...authorization, "content-type": "application/json" };
      const answer = await ask("POST", "/v1/exec", { code: "1" }, { headers });
      expect(answer).toMatchObject({ status: 401, body: { code } });
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      using client = new RawClient(server.url, { headers: authorization });
      expect(await client.failure(code)).toBeDefined();
    }
  });

  it("is a page's that nobody allowed", async () => {
    const headers = { authorization: "Bearer zb_live_test", "content-type": "application/json" };
    for (const origin of ["https://evil.test", "null"]) {
      const answer = await ask("POST", "/v1/exec", { code: "1" }, { headers: { ...headers, origin } });
      expect(answer).toMatchObject({ status: 403, body: { code: "origin_forbidden" } });
    }
  });

  it("asks for more than the key may have at one time", async () => {
    const codes = Array.from({ length: 12 }, () => exec({ code: "import time\ntime.sleep(2)" }));
    const statuses = (await Promise.all(codes)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(6);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
  });

  it("is by another method", async () => {
    const answer = await ask("GET", "/v1/exec");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    expect((await ask("POST", "/v1/nothing", {})).status).toBe(404);
  });
});

it("is had by require() of the SDK, with the address and the key of the environment", async () => {
  const program = `
    const { Sandbox, Session } = require("@zeroboot/sdk");
    (async () => {
      const sandbox = new Sandbox(process.env.ZEROBOOT_API_KEY, { language: "python" });
      console.log(String(await sandbox.run("print(1 + 1)")));
      const session = await Session.connect({ apiKey: process.env.ZEROBOOT_API_KEY });
      await session.run("x = 41");
      console.log((await session.run("x + 1")).result["text/plain"]);
      await session.close();
    })();`;
  const env = { ZEROBOOT_BASE_URL: server.url, ZEROBOOT_API_KEY: "zb_live_test" };
  const ran = await runProgram(process.execPath, ["-e", program], { cwd: REPOSITORY, env });
  expect(ran).toMatchObject({ exitCode: 0, stdout: "2\n42\n", stderr: "" });
});

describe("/v1/sessions", () => {
  it("are those of the key that asks, which may end them", async () => {
    using client = await RawClient.ready(server.url, { headers: { authorization: "Bearer zb_live_test" } });
    const { sessionId } = client.frames[0] as unknown as { sessionId: string };
    const { body } = await ask("GET", "/v1/sessions");
    expect(body.sessions).toEqual([
      { id: sessionId, template: "python", state: "ready", created_at: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    const other = { headers: { authorization: "Bearer zb_live_other" } };
    expect((await ask("GET", "/v1/sessions", undefined, other)).body.sessions).toEqual([]);
    expect((await ask("DELETE", `/v1/sessions/${sessionId}`, undefined, other)).body.code).toBe("session_unknown");
    expect((await ask("DELETE", `/v1/sessions/${sessionId}`)).status).toBe(204);
    expect((await client.closed).code).toBe(4410);
    expect((await ask("DELETE", `/v1/sessions/${sessionId}`)).status).toBe(404);
  });
});

describe("keys while the server runs", () => {
  it("are read anew on SIGHUP: a key that is gone opens nothing more", async () => {
    writeFileSync(keyFile, JSON.stringify(["zb_live_test", "zb_live_new"]));
    server.child.kill("SIGHUP");
    const as = (key: string) => ask("GET", "/v1/sessions", undefined, { headers: { authorization: `Bearer ${key}` } });
    await poll("the new key", CLEANED_WITHIN_MS, async () =>
      (await as("zb_live_new")).status === 200 ? true : undefined,
    );
    expect((await as("zb_live_other")).status).toBe(401);
    writeFileSync(keyFile, "broken");
    server.child.kill("SIGHUP");
    await poll("the log", CLEANED_WITHIN_MS, async () => (server.stderr.includes("not read anew") ? true : undefined));
    expect((await as("zb_live_new")).status).toBe(200);
  });
});
