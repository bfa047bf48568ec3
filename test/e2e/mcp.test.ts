import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../helpers/pages.js";
import { poll } from "../helpers/poll.js";
import { collect, zeroboot } from "../helpers/program.js";
import { ServerProcess } from "../helpers/server-process.js";

const CLEANED_WITHIN_MS = 60_000;
const KEY = "zb_live_agent";
const BIN = join(REPOSITORY, "dist/server/src/cli/bin.js");
const scratch = mkdtempSync(join(tmpdir(), "zeroboot-mcp-"));
const keyFile = join(scratch, "keys.json");

let server: ServerProcess;
beforeAll(async () => {
  writeFileSync(keyFile, JSON.stringify([KEY, "zb_live_other"]));
  // What the tools fork: a call does not wait for minutes.
  const built = await zeroboot(["template", "build", "shell", "node"]);
  expect(built.exitCode, built.stderr).toBe(0);
  server = await ServerProcess.ready();
});
afterAll(async () => {
  expect(await server.emptied(CLEANED_WITHIN_MS)).toBeLessThan(CLEANED_WITHIN_MS);
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
  rmSync(scratch, { recursive: true });
});

interface Answer {
  readonly text: string;
  readonly isError: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly kinds: readonly string[];
}

async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Answer> {
  const result = await client.callTool(
    { name, arguments: args },
    { timeout: 300_000, ...(signal === undefined ? {} : { signal }) },
  );
  const text = result.content.map((part) => (part.type === "text" ? part.text : "")).join("");
  return {
    text,
    isError: result.isError === true,
    fields: (result.structuredContent ?? {}) as Answer["fields"],
    kinds: result.content.map(({ type }) => type),
  };
}

const newClient = () => new Client({ name: "test", version: "1" });

const atServer = () => ["--url", server.url];

/** A client of an MCP server on standard input and output. */
async function overStdio(args: readonly string[] = [], where: readonly string[] = atServer()): Promise<Client> {
  const client = newClient();
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [BIN, "mcp", ...where, ...args],
      stderr: "ignore",
    }),
  );
  return client;
}

/** An MCP server over HTTP. */
class HttpServer {
  readonly child: ChildProcess;
  readonly url: Promise<string>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [BIN, "mcp", "--url", server.url, "--http", "0", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (this.child.stderr === null) throw new TypeError("no pipe");
    const stderr = collect(this.child.stderr);
    this.url = poll("listening", 120_000, () => /zeroboot mcp at (\S+)/.exec(stderr())?.[1]);
  }

  async client(key: string): Promise<Client> {
    const client = newClient();
    const requestInit = { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(await this.url), { requestInit }));
    return client;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const [code] = (await once(this.child, "exit")) as [number | null];
    expect(code).toBe(0);
  }
}

const TOOLS = ["read_file", "reset", "run_code", "run_shell", "write_file"];

/** Every tool, and what lasts and what does not. */
async function everyTool(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name).sort()).toEqual(TOOLS);
  for (const { inputSchema } of tools) expect(inputSchema.required).toContain("session");

  expect(await call(client, "run_code", { session: "a", code: "x = 20\nprint('hello')\nx + 1" })).toMatchObject({
    isError: false,
    text: "hello\n21\n",
    fields: { status: "ok", exit_code: 0, stdout: "hello\n", stderr: "", result: "21", state_kept: true },
  });
  expect((await call(client, "run_code", { session: "a", code: "x * 2" })).fields.result).toBe("40");
  const other = await call(client, "run_code", { session: "b", code: "x" });
  expect(other).toMatchObject({ isError: false, fields: { status: "error", exit_code: 1 } });
  expect(other.text).toContain("NameError");

  const shell = await call(client, "run_shell", { session: "a", command: "echo out; echo err >&2; exit 7" });
  expect(shell).toMatchObject({ isError: false, fields: { exit_code: 7, stdout: "out\n", stderr: "err\n" } });
  const content = "Zeile 1\n'quoted' \"twice\" $HOME \\ € \u{1f680}\n";
  const path = "deep/er/it's a file.txt";
  expect((await call(client, "write_file", { session: "a", path, content })).isError).toBe(false);
  await call(client, "write_file", { session: "a", path, content: "AAEC/w==", encoding: "base64", append: true });
  const size = Buffer.byteLength(content);
  expect((await call(client, "read_file", { session: "a", path, length: size })).fields).toEqual({
    content,
    bytes: size,
    at_end: false,
  });
  expect((await call(client, "read_file", { session: "a", path, offset: size, encoding: "base64" })).fields).toEqual({
    content: "AAEC/w==",
    bytes: 4,
    at_end: true,
  });
  expect(
    (await call(client, "run_code", { session: "a", code: `len(open(${JSON.stringify(path)}, 'rb').read())` })).fields,
  ).toMatchObject({ result: String(size + 4) });
  expect(await call(client, "read_file", { session: "b", path })).toMatchObject({ isError: true });

  expect((await call(client, "reset", { session: "a" })).text).toBe("session a is ended");
  expect((await call(client, "reset", { session: "a" })).text).toBe("there was no session a");
  expect((await call(client, "run_code", { session: "a", code: "x" })).text).toContain("NameError");
  for (const session of ["a", "b"]) await call(client, "reset", { session });
}

describe("zeroboot mcp", () => {
  it("has every tool over standard input and output, and ends its VMs when the client leaves", async () => {
    const client = await overStdio();
    await everyTool(client);
    await call(client, "run_code", { session: "left", code: "1" });
    await client.close();
    await server.emptied(CLEANED_WITHIN_MS);
  });

  it("has every tool over HTTP, for who has a key, each with sessions of its own", async () => {
    const http = new HttpServer(["--api-keys-file", keyFile]);
    const client = await http.client(KEY);
    await everyTool(client);
    await call(client, "run_code", { session: "same", code: "secret = 1" });
    const other = await http.client("zb_live_other");
    expect((await call(other, "run_code", { session: "same", code: "secret" })).text).toContain("NameError");
    await expect(http.client("zb_live_unknown")).rejects.toThrow();
    const rebound = await fetch(await http.url, { method: "POST", headers: { origin: "https://evil.example" } });
    expect(rebound.status).toBe(403);
    await client.close();
    await other.close();
    await http.stop();
    await server.emptied(CLEANED_WITHIN_MS);
  });

  it("forks on its own machine where it is given no server", async () => {
    const client = await overStdio([], []);
    await call(client, "run_code", { session: "a", code: "x = 1" });
    expect((await call(client, "run_code", { session: "a", code: "x" })).fields.result).toBe("1");
    expect((await call(client, "run_code", { session: "b", code: "x" })).text).toContain("NameError");
    await client.close();
  });

  it("stops what is cancelled and what takes too long, and keeps the state", async () => {
    const client = await overStdio();
    await call(client, "run_code", { session: "s", code: "kept = 5" });
    const cancelling = new AbortController();
    const endless = call(client, "run_code", { session: "s", code: "while True: pass" }, cancelling.signal);
    setTimeout(() => cancelling.abort(), 1_000);
    await expect(endless).rejects.toThrow();
    expect((await call(client, "run_code", { session: "s", code: "kept" })).fields.result).toBe("5");
    const late = await call(client, "run_code", { session: "s", code: "while True: pass", timeout_seconds: 1 });
    expect(late).toMatchObject({ isError: false, fields: { status: "timeout", exit_code: 124, state_kept: true } });
    await client.close();
  });

  it("tells the model what it can do about a call that cannot be done", async () => {
    const client = await overStdio(["--max-sessions", "1"]);
    await call(client, "run_code", { session: "one", code: "1" });
    expect((await call(client, "run_code", { session: "two", code: "1" })).text).toMatch(/^session_limit: /);
    expect((await call(client, "run_code", { session: "one", code: "1", language: "node" })).text).toMatch(
      /^session_language: /,
    );
    expect((await call(client, "read_file", { session: "one", path: "/nowhere" })).text).toMatch(
      /^file_failed: \/nowhere: FileNotFoundError/,
    );
    expect((await call(client, "read_file", { session: "one", path: "/bin" })).text).toMatch(/^file_failed: /);
    expect(
      (await call(client, "write_file", { session: "one", path: "x", content: "x".repeat(600_000) })).text,
    ).toMatch(/^file_too_large: /);
    for (const args of [
      { code: "1" },
      { session: "a b", code: "1" },
      { session: "one" },
      { session: "one", code: 1 },
    ]) {
      const refused = await call(client, "run_code", args).catch((error: Error) => ({
        isError: true,
        text: error.message,
      }));
      expect(refused.isError).toBe(true);
    }
    const died = await call(client, "run_code", { session: "one", code: "import os; os._exit(3)" });
    expect(died.fields).toMatchObject({ status: "killed" });
    const after = await poll("a fresh session", 60_000, async () => {
      const answer = await call(client, "run_code", { session: "one", code: "2" });
      return answer.isError ? undefined : answer;
    });
    expect(after.text).toContain("this is a fresh one");
    await client.close();
  });

  it("speaks the other languages", async () => {
    const client = await overStdio();
    for (const [language, code, stdout] of [
      ["shell", "v=1; echo from $0 >/dev/null; echo $((v + 1))", "2\n"],
      ["node", "const v = 1; console.log(v + 1)", "2\n"],
    ] as const) {
      const ran = await call(client, "run_code", { session: language, code, language });
      expect(ran).toMatchObject({ isError: false, fields: { stdout, exit_code: 0 } });
      const at = { session: language, path: "/tmp/d/it's.txt" };
      expect((await call(client, "write_file", { ...at, content: "one €\n" })).isError).toBe(false);
      expect((await call(client, "write_file", { ...at, content: "two", append: true })).isError).toBe(false);
      expect((await call(client, "read_file", at)).fields).toEqual({ content: "one €\ntwo", bytes: 11, at_end: true });
      expect((await call(client, "read_file", { ...at, path: "/tmp/none" })).text).toMatch(/^file_failed: /);
      expect(
        (await call(client, "run_shell", { session: language, command: "cat /tmp/d/*; false" })).fields,
      ).toMatchObject({
        stdout: "one €\ntwo",
        exit_code: 1,
      });
    }
    await client.close();
  });
});
