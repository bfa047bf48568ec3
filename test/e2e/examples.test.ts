import { spawn } from "node:child_process";
import { join } from "node:path";
import { Session } from "@zeroboot/sdk";
import { codeTool } from "@zeroboot/sdk/ai";
import { generateText, stepCountIs } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../helpers/pages.js";
import { poll } from "../helpers/poll.js";
import { collect, ended, runProgram } from "../helpers/program.js";
import { ServerProcess } from "../helpers/server-process.js";

const TSX = join(REPOSITORY, "node_modules/tsx/dist/cli.mjs");

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready();
});
afterAll(async () => {
  await server.emptied(60_000);
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

const env = () => ({ ...process.env, ZEROBOOT_BASE_URL: server.url });

async function linesOf(example: string): Promise<string[]> {
  const ran = await runProgram(process.execPath, [TSX, join("examples", example)], { cwd: REPOSITORY, env: env() });
  expect(ran.exitCode, ran.stderr).toBe(0);
  return ran.stdout.trimEnd().split("\n");
}

describe("the examples", () => {
  it("grade a batch in which some do not end", async () => {
    expect(await linesOf("batch-grading.ts")).toEqual([
      "Write a function double(n).",
      "ada: 3 of 3",
      "bob: 0 of 3",
      "eve: out of time",
      "kim: SyntaxError: invalid syntax",
      "max: 3 of 3",
    ]);
  });

  it("let an agent go on from what it has seen", async () => {
    const lines = await linesOf("agent-loop.ts");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain("NameError");
    expect(lines[2]).toBe("The median is 3.5.");
  });

  it("are the backend of a notebook", async () => {
    const child = spawn(process.execPath, [TSX, "examples/notebook-backend.ts", "0"], {
      cwd: REPOSITORY,
      env: env(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const end = ended(child);
    try {
      const stdout = collect(child.stdout);
      const url = await poll("the backend", 120_000, () => /^http\S+/.exec(stdout())?.[0]);
      const cell = async (notebook: string, code: string) =>
        (await fetch(`${url}/notebooks/${notebook}/cells`, { method: "POST", body: code })).text();
      expect(await cell("one", "x = 20")).toContain('"status":"ok"');
      const second = await cell("one", "print('seen', flush=True)\nx + 1");
      expect(second).toContain("event: stdout");
      expect(second).toContain('"value":"21"');
      expect(await cell("two", "x")).toContain("NameError");
      expect((await fetch(`${url}/notebooks/one`, { method: "DELETE" })).status).toBe(204);
      expect(await cell("one", "x")).toContain("NameError");
      expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
    } finally {
      child.kill("SIGTERM");
      await end;
    }
  });
});

describe("the tool for the AI SDK", () => {
  it("is called by it, keeps state between calls, and shows failures to the model", async () => {
    const session = await Session.connect({ url: server.url });
    const codes = ["x = 20\nprint('set')", "x + 1", "1 / 0"];
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    let step = 0;
    const model = new MockLanguageModelV3({
      doGenerate: async () => {
        const code = codes[step++];
        if (code === undefined) {
          const text = { type: "text", text: "done" } as const;
          return { content: [text], finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] };
        }
        const call = {
          type: "tool-call",
          toolCallId: `call-${step}`,
          toolName: "run_code",
          input: JSON.stringify({ code }),
        } as const;
        return { content: [call], finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [] };
      },
    });
    const { text, steps } = await generateText({
      model,
      prompt: "compute",
      tools: { run_code: codeTool(session) },
      stopWhen: stepCountIs(10),
    });
    expect(text).toBe("done");
    const outputs = steps.flatMap(({ toolResults }) => toolResults.map(({ output }) => output));
    expect(outputs).toMatchObject([
      { status: "ok", stdout: "set\n", exit_code: 0 },
      { status: "ok", result: "21" },
      { status: "error", exit_code: 1, error: expect.stringContaining("ZeroDivisionError"), state_kept: true },
    ]);
    await session.close();
  });
});
