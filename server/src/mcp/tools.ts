import { type CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { MAX_CODE_BYTES } from "@zeroboot/sdk/protocol";
import * as z from "zod";
import { readFile, writeFile } from "./files.js";
import { LANGUAGE_NAMES, type Language, languageOf } from "./language.js";
import { errorResult, runOutput, runResult, textResult } from "./results.js";
import { describeError } from "./tool-error.js";
import type { Workspaces } from "./workspaces.js";

const DEFAULT_TIMEOUT_SECONDS = 60;
const MAX_TIMEOUT_SECONDS = 3600;
/** Kept of each stream for the answer, which a model has to read. */
const MAX_OUTPUT_BYTES = 64 * 1024;

const session = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, "1 to 64 letters, digits, dots, dashes and underscores")
  .describe(
    "Which session: a virtual machine of its own with variables, files and processes that last until it is reset. " +
      "Any name; made when first used.",
  );
const timeout = z
  .number()
  .positive()
  .max(MAX_TIMEOUT_SECONDS)
  .default(DEFAULT_TIMEOUT_SECONDS)
  .describe("Seconds, after which it is interrupted; what the session holds is kept where that suffices.");
const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !text.includes("\0"), "a path has no NUL")
  .describe("Absolute, or below the session's working directory.");
const encoding = z.enum(["utf-8", "base64"]).default("utf-8");
const code = z.string().refine((text) => Buffer.byteLength(text) <= MAX_CODE_BYTES, `at most ${MAX_CODE_BYTES} bytes`);

export interface ToolsOptions {
  readonly workspaces: Workspaces;
  /** Whose sessions are meant. */
  readonly owner: string;
  /** Of a session that is made without anybody's naming one. */
  readonly defaultLanguage: Language;
  readonly version: string;
}

/** An MCP server with the tools, for one client or, over HTTP, one request: it holds nothing itself. */
export function createMcpServer({ workspaces, owner, defaultLanguage, version }: ToolsOptions): McpServer {
  const server = new McpServer(
    { name: "zeroboot", title: "Zeroboot", version },
    {
      instructions:
        "Runs code in virtual machines. Each session is one of its own, without a network, whose state lasts from call " +
        "to call; sessions share nothing with each other or with the host.",
    },
  );
  const use = (name: string, language?: Language) => workspaces.use(owner, name, language, defaultLanguage);

  server.registerTool(
    "run_code",
    {
      title: "Run code",
      description:
        "Run code in a session. Variables, imports and files stay for the next call. The value of a last expression is shown.",
      inputSchema: z.object({
        session,
        code: code.describe("The program."),
        language: z
          .enum(LANGUAGE_NAMES)
          .optional()
          .describe(
            `What a new session speaks; one that is there must speak it. Default: its own, else ${defaultLanguage.name}.`,
          ),
        timeout_seconds: timeout,
      }),
      outputSchema: runOutput,
      annotations: { destructiveHint: false, openWorldHint: false },
    },
    (input, { mcpReq }) =>
      told(async () => {
        const workspace = await use(
          input.session,
          input.language === undefined ? undefined : languageOf(input.language),
        );
        const ran = await workspace.session.run(input.code, runOptions(input.timeout_seconds, mcpReq.signal));
        return runResult(ran, workspace.takeNotes());
      }),
  );
  server.registerTool(
    "run_shell",
    {
      title: "Run a shell command",
      description: "Run a shell command in a session's virtual machine, beside whatever language it speaks.",
      inputSchema: z.object({
        session,
        command: code.describe("For /bin/sh, or for the session's own bash if it speaks shell."),
        timeout_seconds: timeout,
      }),
      outputSchema: runOutput,
      annotations: { destructiveHint: false, openWorldHint: false },
    },
    (input, { mcpReq }) =>
      told(async () => {
        const workspace = await use(input.session);
        const cell = workspace.language.shell(input.command);
        const ran = await workspace.session.run(cell, runOptions(input.timeout_seconds, mcpReq.signal));
        return runResult(ran, workspace.takeNotes());
      }),
  );
  server.registerTool(
    "write_file",
    {
      title: "Write a file",
      description: "Write a file in a session's virtual machine; directories are made.",
      inputSchema: z.object({
        session,
        path,
        content: z.string().describe("Text, or bytes in base 64; at most 512 KiB of them in one call."),
        encoding,
        append: z.boolean().default(false).describe("Add to what is there."),
      }),
      annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (input, { mcpReq }) =>
      told(async () => {
        const workspace = await use(input.session);
        const bytes = await writeFile(workspace, input, mcpReq.signal);
        return textResult(withNotes(`${bytes} bytes written to ${input.path}`, workspace.takeNotes()));
      }),
  );
  server.registerTool(
    "read_file",
    {
      title: "Read a file",
      description: "Read a file, or a part of one, in a session's virtual machine.",
      inputSchema: z.object({
        session,
        path,
        encoding,
        offset: z.int().min(0).default(0).describe("Bytes to leave out at the beginning."),
        length: z
          .int()
          .min(1)
          .max(1024 * 1024)
          .default(256 * 1024)
          .describe("Bytes at most."),
      }),
      outputSchema: z.object({
        content: z.string(),
        bytes: z.int(),
        at_end: z.boolean().describe("Whether the file ends here."),
        notes: z.array(z.string()).optional(),
      }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (input, { mcpReq }) =>
      told(async () => {
        const workspace = await use(input.session);
        const read = await readFile(workspace, input, mcpReq.signal);
        const notes = workspace.takeNotes();
        return {
          content: [{ type: "text", text: read.content }],
          structuredContent: { ...read, ...(notes.length === 0 ? {} : { notes }) },
        };
      }),
  );
  server.registerTool(
    "reset",
    {
      title: "Reset a session",
      description: "End a session and its virtual machine. The next use of its name has a fresh one.",
      inputSchema: z.object({ session }),
      annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (input) =>
      told(async () => {
        const was = await workspaces.reset(owner, input.session);
        return textResult(was ? `session ${input.session} is ended` : `there was no session ${input.session}`);
      }),
  );
  return server;
}

function runOptions(timeoutSeconds: number, signal: AbortSignal) {
  return { timeoutMs: Math.ceil(timeoutSeconds * 1000), maxOutputBytes: MAX_OUTPUT_BYTES, signal };
}

/** What goes wrong is told to the model, which can do something about it. */
async function told(work: () => Promise<CallToolResult>): Promise<CallToolResult> {
  try {
    return await work();
  } catch (error) {
    return errorResult(describeError(error));
  }
}

function withNotes(text: string, notes: readonly string[]): string {
  return [...notes.map((note) => `[${note}]`), text].join("\n");
}
