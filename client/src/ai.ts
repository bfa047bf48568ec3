/** For agents made with the Vercel AI SDK: a session as a tool. Nothing of that SDK is imported. */
import * as z from "zod";
import type { ExecutionResult } from "./execution.js";
import type { RunOptions } from "./options.js";

const DEFAULT_TIMEOUT_MS = 60_000;
/** A model has only so much to read. */
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024;

/** What the tool runs code in: any session of this package's. */
export interface CodeRunner {
  readonly template: string;
  run(code: string, options: RunOptions): PromiseLike<ExecutionResult>;
}

export interface CodeToolOptions {
  /** What the model is told. @default that it runs code of the session's template, whose state lasts */
  description?: string;
  /** Of one call, milliseconds. @default 60000 */
  timeoutMs?: number;
  /** Kept of each output stream: head and tail. @default 16384 */
  maxOutputBytes?: number;
}

/** What a call came to, as the model reads it. */
export interface CodeToolOutput {
  readonly status: ExecutionResult["status"];
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The value of a last expression. */
  readonly result?: string;
  /** The traceback of an exception. */
  readonly error?: string;
  /** Whether variables and files are still there. */
  readonly state_kept: boolean;
}

const inputSchema = z.object({ code: z.string().describe("The program.") });

/**
 * A tool for `generateText` and `streamText`: `tools: { run_code: codeTool(session) }`. A program that fails is an
 * answer, which the model reads; the call fails only when the session does.
 */
export function codeTool(session: CodeRunner, options: CodeToolOptions = {}) {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options;
  const description =
    options.description ??
    `Run code (${session.template}) in a virtual machine of its own, without a network. Variables, imports and files ` +
      "stay for the next call. The value of a last expression is shown.";
  return {
    description,
    inputSchema,
    execute: async (
      { code }: z.output<typeof inputSchema>,
      { abortSignal }: { readonly abortSignal?: AbortSignal | undefined } = {},
    ): Promise<CodeToolOutput> => {
      const signal = abortSignal === undefined ? {} : { signal: abortSignal };
      const ran = await session.run(code, { timeoutMs, maxOutputBytes, ...signal });
      return {
        status: ran.status,
        exit_code: ran.exitCode,
        stdout: ran.stdout,
        stderr: ran.stderr,
        ...(ran.result === undefined ? {} : { result: ran.result["text/plain"] }),
        ...(ran.error === undefined ? {} : { error: ran.error.traceback }),
        state_kept: ran.stateKept,
      };
    },
  };
}
