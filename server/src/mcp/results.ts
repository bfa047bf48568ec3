import type { CallToolResult } from "@modelcontextprotocol/server";
import type { ExecutionResult, MimeBundle } from "@zeroboot/sdk";
import * as z from "zod";

/** Pictures that a model can be shown. */
const PICTURES = ["image/png", "image/jpeg"] as const;

/** What a run is told as, beside its text. */
export const runOutput = z.object({
  status: z.enum(["ok", "error", "interrupted", "timeout", "killed"]),
  exit_code: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  result: z.string().optional().describe("The value of the last expression."),
  error: z.string().optional().describe("The traceback of an uncaught exception."),
  truncated: z.boolean().describe("Output was cut between its beginning and its end."),
  state_kept: z.boolean().describe("Whether the session's variables, files and processes are still there."),
  execution_count: z.int(),
  duration_ms: z.number(),
  notes: z.array(z.string()).optional(),
});
export type RunOutput = z.output<typeof runOutput>;

/** A program's end, whatever its exit code: that it failed is for the model to read, and no failure of the tool. */
export function runResult(ran: ExecutionResult, notes: readonly string[]): CallToolResult {
  const output: RunOutput = {
    status: ran.status,
    exit_code: ran.exitCode,
    stdout: ran.stdout,
    stderr: ran.stderr,
    ...(ran.result === undefined ? {} : { result: ran.result["text/plain"] }),
    ...(ran.error === undefined ? {} : { error: ran.error.traceback }),
    truncated: ran.truncated,
    state_kept: ran.stateKept,
    execution_count: ran.executionCount,
    duration_ms: Math.round(ran.timings.execUs) / 1000,
    ...(notes.length === 0 ? {} : { notes: [...notes] }),
  };
  const shown = [...ran.displays, ...(ran.result === undefined ? [] : [ran.result])];
  return {
    content: [{ type: "text", text: textOf(output, ran.displays) }, ...shown.flatMap(picturesOf)],
    structuredContent: output,
  };
}

export function textResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

export function errorResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

/** As a terminal would show it, and what one would not see. */
function textOf(output: RunOutput, displays: readonly MimeBundle[]): string {
  const parts = [
    ...(output.notes ?? []).map((note) => `[${note}]`),
    output.stdout,
    output.stderr,
    ...displays.map((bundle) => bundle["text/plain"]),
    output.error ?? "",
    output.result ?? "",
    output.status === "ok" ? "" : `[${output.status}, exit code ${output.exit_code}]`,
  ];
  const text = parts
    .filter((part) => part !== "")
    .map((part) => (part.endsWith("\n") ? part : `${part}\n`))
    .join("");
  return text === "" ? "[no output]\n" : text;
}

function picturesOf(bundle: MimeBundle): CallToolResult["content"] {
  return PICTURES.flatMap((mimeType) => {
    const data = bundle[mimeType];
    if (data === undefined) return [];
    return [{ type: "image" as const, mimeType, data: Buffer.from(data).toString("base64") }];
  });
}
