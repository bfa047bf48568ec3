import { MAX_CODE_BYTES } from "@zeroboot/sdk/protocol";
import * as z from "zod";

/** Of a request. Two codes of the largest size fit, however JSON has to write them. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Of one batch. */
export const MAX_BATCH = 100;
export const DEFAULT_TIMEOUT_SECONDS = 30;
export const MAX_TIMEOUT_SECONDS = 300;

/** One program to run in a VM of its own. Unknown fields are left aside, as the original does. */
export const execRequest = z
  .object({
    code: z.string().refine((code) => Buffer.byteLength(code) <= MAX_CODE_BYTES, `at most ${MAX_CODE_BYTES} bytes`),
    /** See LANGUAGES; the default template's if neither is given. */
    language: z.string().max(64).optional(),
    template: z.string().max(64).optional(),
    /** Running time. */
    timeout_seconds: z.int().min(1).max(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS),
    /** The whole of standard input; at its end from the start if absent. */
    stdin: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
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
