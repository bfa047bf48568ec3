import type { MimeBundle } from "@zeroboot/sdk";
import { z } from "zod";

const outcome = z.enum([
  "ok",
  "skipped",
  "expected failure",
  "failed",
  "error",
  "unexpected success",
  // Interrupted, or with its guest gone: then the host says so, of the test that was running.
  "not ended",
]);

const ended = z.object({
  kind: z.literal("ended"),
  test: z.string(),
  outcome,
  /** Why, in the guest's words: the end of a traceback, or the reason for skipping. */
  message: z.string(),
  seconds: z.number(),
});

/** What cell.py shows. */
const record = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("running"), test: z.string() }),
  z.object({ kind: z.literal("loaded"), tests: z.int(), left_out: z.int() }),
  ended,
]);

export type Outcome = z.infer<typeof outcome>;
export type EndedTest = z.infer<typeof ended>;
export type CellRecord = z.infer<typeof record>;

const BAD: ReadonlySet<Outcome> = new Set(["failed", "error", "unexpected success", "not ended"]);

export function isBad({ outcome }: EndedTest): boolean {
  return BAD.has(outcome);
}

/** The record in a display; undefined for what a test has shown. */
export function recordOf(bundle: MimeBundle): CellRecord | undefined {
  const text = bundle["application/json"];
  if (typeof text !== "string") return undefined;
  return record.safeParse(JSON.parse(text)).data;
}
