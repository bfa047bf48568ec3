import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Nginx, nginxProblem } from "../helpers/nginx.js";
import { REPOSITORY } from "../helpers/pages.js";
import { runProgram } from "../helpers/program.js";
import { ServerProcess } from "../helpers/server-process.js";

const KEY = "zb_live_behind_nginx";
const problem = nginxProblem();
if (problem !== undefined) console.warn(`\n  THE CONFIGURATION OF NGINX IS NOT TESTED: ${problem}\n`);
const leftOut = problem !== undefined && process.env.REQUIRE_NGINX !== "1";

/** In a process that trusts nginx's certificate, which only a process's start can say. */
const SESSION = `
  import { Session } from "@zeroboot/sdk";
  const session = await Session.connect({ url: process.env.URL, apiKey: process.env.KEY });
  let seen = "";
  await session.run("x = 20; print('set')", { onStdout: (text) => { seen += text; } });
  const { result } = await session.run("x + 1");
  const flood = await session.run("print('y' * 3_000_000)");
  console.log(JSON.stringify([seen, result["text/plain"], flood.stdout.length]));
  await session.close();
`;
const EVENTS = `
  const headers = { authorization: "Bearer " + process.env.KEY, "content-type": "application/json", accept: "text/event-stream" };
  const body = JSON.stringify({ code: "import time; print('first'); time.sleep(5); print('second')" });
  const response = await fetch(process.env.URL + "/v1/exec", { method: "POST", headers, body });
  const times = {};
  let text = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (const word of ["first", "second", "event: done"]) if (text.includes(word)) times[word] ??= performance.now();
  }
  console.log(JSON.stringify([response.status, times["event: done"] - times.first, text.includes("second")]));
`;
const REST = `
  const headers = { authorization: "Bearer " + process.env.KEY, "content-type": "application/json" };
  const ask = (path, init) => fetch(process.env.URL + path, init).then(async (answer) => [answer.status, await answer.json()]);
  const [health, { status }] = await ask("/v1/health");
  const ran = await Promise.all([1, 2, 3].map((n) => ask("/v1/exec", { method: "POST", headers, body: JSON.stringify({ code: "print(" + n + ")" }) })));
  const [large, { code }] = await ask("/v1/exec", { method: "POST", headers, body: JSON.stringify({ code: "#".repeat(4.5 * 1024 * 1024) }) });
  const [denied] = await ask("/v1/exec", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  console.log(JSON.stringify([health, status, ran.map(([status, { stdout }]) => [status, stdout]), large, code, denied]));
`;

describe.skipIf(leftOut)("nginx, as documented", () => {
  const scratch = mkdtempSync(join(tmpdir(), "zeroboot-keys-"));
  let server: ServerProcess;
  let nginx: Nginx;
  beforeAll(async () => {
    const keyFile = join(scratch, "keys.json");
    writeFileSync(keyFile, JSON.stringify([KEY]));
    server = await ServerProcess.ready(["--api-keys-file", keyFile, "--trust-proxy", "127.0.0.1"]);
    nginx = await Nginx.inFrontOf(server.url);
  });
  afterAll(async () => {
    await nginx[Symbol.asyncDispose]();
    await server.emptied(60_000);
    expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
    rmSync(scratch, { recursive: true });
  });

  async function told(program: string): Promise<unknown> {
    const ran = await runProgram(process.execPath, ["--input-type=module", "-e", program], {
      cwd: REPOSITORY,
      env: { ...process.env, URL: nginx.url, KEY, NODE_EXTRA_CA_CERTS: nginx.certificate },
    });
    expect(ran.exitCode, ran.stderr).toBe(0);
    return JSON.parse(ran.stdout);
  }

  it("passes sessions over WebSocket on", async () => {
    expect(await told(SESSION)).toEqual(["set\n", "21", 3_000_001]);
  });

  it("passes REST on, with the server's own answers", async () => {
    expect(await told(REST)).toEqual([200, "ok", [1, 2, 3].map((n) => [200, `${n}\n`]), 413, "body_too_large", 401]);
  });

  it("passes events on as they come", async () => {
    expect(await told(EVENTS)).toEqual([200, expect.any(Number), true]);
    const [, ahead] = (await told(EVENTS)) as [number, number, boolean];
    console.log(`the first output came ${ahead.toFixed(0)} ms before the end`);
    expect(ahead).toBeGreaterThan(2_000);
  });

  it("logs no key", () => {
    expect(nginx.accessLog).toContain("/v1/exec");
    expect(nginx.accessLog).not.toContain(KEY);
  });
});
