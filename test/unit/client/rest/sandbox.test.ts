import { createServer, type IncomingMessage, type Server } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { ExecutionFailed, RequestError, Sandbox, ZerobootError } from "../../../../client/src/index.js";

const RAN = {
  id: "r1",
  stdout: "2\n",
  stderr: "",
  exit_code: 0,
  output: "2\n",
  timed_out: false,
  truncated: false,
  fork_time_ms: 1,
  exec_time_ms: 2,
  total_time_ms: 4,
  duration_ms: 4,
};

interface Asked {
  readonly request: IncomingMessage;
  readonly body: unknown;
}
type Answer = readonly [status: number, body: unknown, headers?: Record<string, string>];

/** A server that gives these answers, one after the other, the last one for ever. */
async function serverOf(answers: readonly Answer[]): Promise<{ readonly url: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    asked.push({ request, body: text === "" ? undefined : JSON.parse(text) });
    const [status, body, headers = {}] = answers[Math.min(asked.length, answers.length) - 1] ?? [500, ""];
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

describe("a sandbox", () => {
  it("sends the code, with its key, in its language", async () => {
    const { url, asked } = await serverOf([[200, RAN]]);
    await new Sandbox("zb_live_1", url).run("console.log(1 + 1)");
    await new Sandbox(undefined, { baseUrl: `${url}/`, language: "python" }).run("1", {
      timeout: 5,
      stdin: "in",
      env: { A: "b" },
    });
    await new Sandbox("", { baseUrl: url, language: "python" }).run("1", { template: "own" });
    const [first, second, third] = asked;
    expect([first?.request.method, first?.request.url]).toEqual(["POST", "/v1/exec"]);
    expect(first?.request.headers).toMatchObject({
      authorization: "Bearer zb_live_1",
      "content-type": "application/json",
    });
    expect(first?.body).toEqual({ code: "console.log(1 + 1)", language: "javascript" });
    expect(second?.request.headers.authorization).toBeUndefined();
    expect(second?.body).toEqual({ code: "1", language: "python", timeout_seconds: 5, stdin: "in", env: { A: "b" } });
    expect(third?.body).toEqual({ code: "1", template: "own" });
  });

  it("answers with something that is its text and has everything else besides", async () => {
    const { url } = await serverOf([[200, { ...RAN, result: "7", exit_code: 3, stderr: "oh", newer: true }]]);
    const result = await new Sandbox("k", url).run("1");
    const text: string = result;
    expect([`${text}`, JSON.stringify({ output: text }), inspect(result), text.length]).toEqual([
      "2",
      '{"output":"2"}',
      "2",
      1,
    ]);
    expect(result).toMatchObject({ stdout: "2\n", output: "2", stderr: "oh", exitCode: 3, exit_code: 3, result: "7" });
    expect(result).toMatchObject({ fork_time_ms: 1, exec_time_ms: 2, total_time_ms: 4, duration_ms: 4, id: "r1" });
  });

  it("rejects for a program that failed only when asked to", async () => {
    const { url } = await serverOf([[200, { ...RAN, exit_code: 1, stderr: "Traceback\nValueError: x\n" }]]);
    const sandbox = new Sandbox("k", url);
    await expect(sandbox.run("1")).resolves.toMatchObject({ exitCode: 1 });
    const error = await sandbox.run("1", { check: true }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ExecutionFailed);
    expect(error).toMatchObject({ code: "execution_failed", message: "the program ended with 1: ValueError: x" });
    expect((error as ExecutionFailed).result.exitCode).toBe(1);
  });

  it("asks again when the server is busy, and for nothing else", async () => {
    const busy: Answer = [503, { error: "full", code: "capacity_exhausted" }, { "retry-after": "0" }];
    const { url, asked } = await serverOf([busy, [429, { error: "slow", code: "rate_limited" }], [200, RAN]]);
    await expect(new Sandbox("k", url).run("1")).resolves.toMatchObject({ exitCode: 0 });
    expect(asked).toHaveLength(3);
    const always = await serverOf([busy]);
    await expect(new Sandbox("k", { baseUrl: always.url, retries: 1 }).run("1")).rejects.toMatchObject({
      code: "capacity_exhausted",
      status: 503,
    });
    expect(always.asked).toHaveLength(2);
    const refused = await serverOf([[401, { error: "no", code: "unauthorized" }]]);
    const error = await new Sandbox("k", refused.url).run("1").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RequestError);
    expect([refused.asked.length, (error as RequestError).code]).toEqual([1, "unauthorized"]);
  });

  it("says what is wrong with a server that is none", async () => {
    await expect(new Sandbox("k", "http://127.0.0.1:1").run("1")).rejects.toMatchObject({ code: "connect_failed" });
    for (const answer of [
      [200, "<html>"],
      [200, {}],
      [500, "oops"],
    ] as const) {
      const { url } = await serverOf([answer]);
      await expect(new Sandbox("k", url).run("1")).rejects.toMatchObject({ code: "protocol_error" });
    }
  });

  it("gives up when it is told to, also while it waits to ask again", async () => {
    const { url } = await serverOf([[503, { error: "full", code: "starting" }, { "retry-after": "30" }]]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await expect(new Sandbox("k", url).run("1", { signal: controller.signal })).rejects.toThrow("enough");
  });

  it("runs a batch in order, with errors in their places", async () => {
    const { url, asked } = await serverOf([
      [200, { results: [RAN, { error: "no", code: "language_unknown" }, { ...RAN, exit_code: 2 }] }],
    ]);
    const sandbox = new Sandbox("k", { baseUrl: url, language: "python" });
    const [first, second, third] = await sandbox.runBatch(["a", "b", "c"]);
    expect(asked[0]?.request.url).toBe("/v1/exec/batch");
    expect(asked[0]?.body).toMatchObject({
      executions: [{ code: "a", language: "python" }, { code: "b" }, { code: "c" }],
    });
    expect(first).toMatchObject({ exitCode: 0 });
    expect(second).toBeInstanceOf(ZerobootError);
    expect(third).toMatchObject({ exitCode: 2 });
    await expect(sandbox.runBatch(["a", "b", "c"], { check: true })).rejects.toBeInstanceOf(ExecutionFailed);
    await expect(sandbox.runBatch(["a"])).rejects.toMatchObject({ code: "protocol_error" });
  });

  it.each(["nonsense", "ftp://a", "http://user:pass@a"])("cannot be at %j", (url) => {
    expect(() => new Sandbox("k", url)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });

  it("cannot have a key that no header can hold", () => {
    expect(() => new Sandbox("a b")).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });
});
