/**
 * What REST takes and answers. docs/API.md's tables and the OpenAPI document are made of these, descriptions
 * included.
 */
import { FAILURES, MAX_CODE_BYTES } from "@zeroboot/sdk/protocol";
import * as z from "zod";
import { LANGUAGES } from "./languages.js";

/** Of a request. Two codes of the largest size fit, however JSON has to write them. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Of one batch. */
export const MAX_BATCH = 100;
export const DEFAULT_TIMEOUT_SECONDS = 30;
export const MAX_TIMEOUT_SECONDS = 300;

const codeField = z
  .string()
  .refine((code) => Buffer.byteLength(code) <= MAX_CODE_BYTES, `at most ${MAX_CODE_BYTES} bytes`);

/** One program to run in a VM of its own. Unknown fields are left aside, as the original does. */
export const execRequest = z
  .object({
    code: codeField.describe("At most 1 MiB as UTF-8."),
    language: z
      .string()
      .max(64)
      .optional()
      .describe(
        `One of ${Object.keys(LANGUAGES).join(", ")}; one that the server does not serve is \`template_unknown\`. Default: what the server's default template speaks.`,
      ),
    template: z.string().max(64).optional().describe("A template by its name, in place of `language`."),
    timeout_seconds: z
      .int()
      .min(1)
      .max(MAX_TIMEOUT_SECONDS)
      .default(DEFAULT_TIMEOUT_SECONDS)
      .describe("Running time, 1-300. Default: 30."),
    stdin: z.string().optional().describe("The whole of standard input. Without it, standard input is at its end."),
    env: z.record(z.string(), z.string()).optional().describe("Environment variables, at most 32."),
  })
  .refine(({ language, template }) => language === undefined || template === undefined, {
    error: "give language or template, not both",
    path: ["language"],
  });
export type ExecRequest = z.output<typeof execRequest>;

export const batchRequest = z.object({
  /** Checked one by one, so that one bad entry does not take the others along. */
  executions: z.array(z.unknown()).min(1).max(MAX_BATCH),
});

const bundle = z
  .record(z.string(), z.string())
  .describe("By MIME type, `text/plain` always among them; pictures in base 64.");

/** How a program ended: the answer without its output, and the data of the event `done`. */
export const execEnd = z.object({
  id: z.string().describe("Of this run, as in the header `X-Request-Id`."),
  exit_code: z.int().describe("The program's own; 1 an exception, 124 out of time, 137 its VM ended."),
  result: z.string().optional().describe("The value of a last expression, as text; absent if there is none."),
  timed_out: z.boolean().describe("The time ran out. What was printed before is there."),
  truncated: z.boolean().describe("Something was left out."),
  fork_time_ms: z.number().describe("Forking the VM."),
  exec_time_ms: z.number().describe("Running."),
  total_time_ms: z.number().describe("All of it."),
  duration_ms: z.number().describe("`total_time_ms`, by its older name."),
});
export type ExecEnd = z.output<typeof execEnd>;

/** For every program that ran. */
export const execAnswer = z.object({
  id: execEnd.shape.id,
  stdout: z
    .string()
    .describe(
      "Exactly as written, up to 4 MiB; of more, beginning and end, with a line that says how much is left out.",
    ),
  stderr: z.string().describe("The same, with an exception's traceback at the end."),
  exit_code: execEnd.shape.exit_code,
  output: z.string().describe("`stdout`, by its older name."),
  displays: z
    .array(bundle)
    .optional()
    .describe(
      "What it showed by `display()`, figures among it, each by MIME type with pictures in base 64; absent if nothing.",
    ),
  ...execEnd.omit({ id: true, exit_code: true }).shape,
});
export type ExecAnswer = z.output<typeof execAnswer>;

/** Of an entry of a batch that could not be run. */
export const batchError = z.object({ error: z.string(), code: z.string() });
export const batchAnswer = z.object({ results: z.array(z.union([execAnswer, batchError])) });

/** The events of a streamed answer: their names, and what the data of each is. */
export const EXEC_EVENTS = {
  started: z
    .object({ id: execEnd.shape.id, fork_time_ms: execEnd.shape.fork_time_ms })
    .describe("The VM is forked and the program under way: always the first."),
  stdout: z
    .object({ text: z.string() })
    .describe("Text of standard output as it comes; characters are never cut in two."),
  stderr: z.object({ text: z.string() }).describe("The same of standard error; a traceback comes as the last one."),
  display: bundle.describe("Something the program shows, in its place among the output, by MIME type."),
  done: execEnd.describe("The end of a program that ran, whatever became of it: the answer's fields but its output."),
  failure: z
    .object({ error: z.string(), code: z.string(), request_id: z.string() })
    .describe("In place of `done`, if the server or the VM failed."),
} as const;
export type ExecEvent = keyof typeof EXEC_EVENTS;

/** Every answer but those with status 200 and 204. */
export const errorAnswer = z.object({
  error: z.string().describe("For people."),
  code: z.enum(Object.keys(FAILURES) as [string, ...string[]]).describe("For programs."),
  request_id: z.string().describe("As in the header `X-Request-Id`."),
});

export const sessionsAnswer = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      template: z.string(),
      state: z.string(),
      created_at: z.string().meta({ format: "date-time" }),
    }),
  ),
});

export const healthAnswer = z.object({
  status: z.enum(["starting", "ok", "draining"]),
  sessions: z.int(),
  vms: z.int().describe("Forks being made or alive."),
  templates: z.record(
    z.string(),
    z.object({
      ready: z.boolean().describe("Whether it can be forked."),
      memory_mb: z.int().describe("Of one of its VMs; 0 until it is ready."),
      state: z.enum(["absent", "building", "ready", "failed"]),
      progress: z
        .object({
          step: z.string(),
          title: z.string(),
          percent: z.number().optional(),
          seconds_left: z.number().optional(),
        })
        .optional(),
      error: z.string().optional(),
    }),
  ),
});
