import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../helpers/pages.js";
import { runProgram } from "../helpers/program.js";
import { ServerProcess } from "../helpers/server-process.js";

/** Templates that are not there yet are made. */
const LONGEST_MS = 900_000;
const KEY = "zb_live_published";
const EXAMPLES = join(REPOSITORY, "test/e2e/published/sandbox-examples.ts");

/** The examples of the original's documents, but for its Python SDK's (python-sdk.test.ts). */
describe("what the original's documents show", { timeout: LONGEST_MS }, () => {
  let server: ServerProcess;
  beforeAll(async () => {
    const built = await runProgram("npx", ["zeroboot", "template", "build", "python", "node"], { cwd: REPOSITORY });
    expect(built.exitCode, built.stderr).toBe(0);
    server = await ServerProcess.ready(["--templates", "python,node", "--prebuild", "cached"], {
      ZEROBOOT_API_KEYS: JSON.stringify([KEY]),
    });
  }, LONGEST_MS);
  afterAll(() => server[Symbol.asyncDispose]());

  /** A command of theirs, with the host alone replaced. */
  async function sh(command: string): Promise<string> {
    const ran = await runProgram("bash", ["-c", command.replaceAll("http://127.0.0.1:8080", server.url)]);
    expect(ran.stderr).toBe("");
    return ran.stdout;
  }

  it("runs by the TypeScript SDK", async () => {
    const env = { ZEROBOOT_API_KEY: KEY, ZEROBOOT_BASE_URL: server.url };
    const ran = await runProgram("npx", ["tsx", EXAMPLES], { cwd: REPOSITORY, env });
    expect(ran.stderr).toBe("");
    expect(ran.stdout.trimEnd().split("\n")).toEqual([
      "2",
      "15",
      '{"success":true,"output":"{\\"value\\":42}"}',
      "8",
      "0 1 4 9 16 25 36 49 64 81",
      "4.5",
      "ok",
    ]);
  });

  it("has types that hold under --strict", async () => {
    const options = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"];
    const modules = ["--module", "nodenext", "--types", "node"];
    const ran = await runProgram("npx", ["tsc", ...options, ...modules, EXAMPLES], { cwd: REPOSITORY });
    expect(ran).toMatchObject({ exitCode: 0, stdout: "" });
  });

  it("runs by curl", async () => {
    const post = (body: string, path = "/v1/exec") =>
      `curl -s -X POST http://127.0.0.1:8080${path} -H 'Authorization: Bearer ${KEY}' -H 'Content-Type: application/json' -d '${body}'`;
    expect(JSON.parse(await sh(post('{"code": "print(1 + 1)"}')))).toMatchObject({ stdout: "2\n", exit_code: 0 });
    expect(JSON.parse(await sh(post('{"code": "import numpy as np\\nprint(np.random.rand(3).shape)"}')))).toMatchObject(
      {
        stdout: "(3,)\n",
      },
    );
    expect(JSON.parse(await sh(post('{"code": "console.log([1,2,3].length)", "language": "node"}')))).toMatchObject({
      stdout: "3\n",
    });
    const batch = '{"executions": [{"code": "print(1)"}, {"code": "print(2)", "language": "python"}]}';
    const { results } = JSON.parse(await sh(post(batch, "/v1/exec/batch"))) as { results: { stdout: string }[] };
    expect(results.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n"]);
    expect(JSON.parse(await sh("curl -s http://127.0.0.1:8080/v1/health"))).toMatchObject({ status: "ok" });
  });

  it("refuses a wrong key with 401", async () => {
    const status = await sh(
      `curl -s -o /dev/null -w '%{http_code}' -X POST http://127.0.0.1:8080/v1/exec -H 'Authorization: Bearer zb_live_wrong' -H 'Content-Type: application/json' -d '{"code": "print(1)"}'`,
    );
    expect(status).toBe("401");
  });

  it("runs by fetch", async () => {
    const response = await fetch(`${server.url}/v1/exec`, {
      method: "POST",
      headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
      body: JSON.stringify({ code: "print('hello')", language: "python", timeout_seconds: 30 }),
    });
    const answer = (await response.json()) as { stdout: string; exit_code: number; total_time_ms: number };
    expect(response.status).toBe(200);
    expect([answer.stdout, answer.exit_code, answer.total_time_ms > 0]).toEqual(["hello\n", 0, true]);
  });
});
