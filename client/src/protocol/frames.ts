import * as z from "zod";
import {
  MAX_CREDIT_BYTES,
  MAX_ENV_ENTRIES,
  MAX_ENV_ENTRY_BYTES,
  MAX_ID_LENGTH,
  MAX_NONCE,
  MAX_STDIN_CHUNK_BYTES,
  MAX_TIMEOUT_MS,
} from "./limits.js";
import { utf8Length } from "./utf8.js";

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected binary data");
const count = z.int().nonnegative();
/** Chosen by the client, echoed in everything its execution causes. */
const id = z.string().min(1).max(MAX_ID_LENGTH);

const environment = z
  .record(
    z.string().refine((name) => name !== "" && !/[=\0]/.test(name), "expected a name without '=' and NUL"),
    z.string().refine((value) => !value.includes("\0"), "contains NUL"),
  )
  .refine((env) => Object.keys(env).length <= MAX_ENV_ENTRIES, `more than ${MAX_ENV_ENTRIES} variables`)
  .refine(
    (env) =>
      Object.entries(env).every(([name, value]) => utf8Length(name) + 1 + utf8Length(value) <= MAX_ENV_ENTRY_BYTES),
    `a variable of more than ${MAX_ENV_ENTRY_BYTES} bytes`,
  );

/* ---- client to server -------------------------------------------------------------------- */

/** Run a cell. Answered with `started`, its output, and exactly one `done`; or, refused, with one `failure`. */
export const executeFrame = z.object({
  type: z.literal("execute"),
  id,
  code: z.string(),
  /** Running time, milliseconds; the session's default if absent. */
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).exactOptional(),
  /** Environment variables of this cell alone. */
  env: environment.exactOptional(),
  /** `open`: `stdin` frames will follow. Absent or `closed`: standard input is at its end. */
  stdin: z.enum(["closed", "open"]).exactOptional(),
});

/** Bytes of standard input for an execution that was started with `stdin: "open"`. */
export const stdinFrame = z.object({
  type: z.literal("stdin"),
  id,
  data: bytes.refine((data) => data.length <= MAX_STDIN_CHUNK_BYTES, `more than ${MAX_STDIN_CHUNK_BYTES} bytes`),
  /** Nothing follows `data`. */
  eof: z.boolean().exactOptional(),
});

/** SIGINT to the named or, without `id`, the running execution; state is kept. */
export const interruptFrame = z.object({
  type: z.literal("interrupt"),
  id: id.exactOptional(),
  /** What to do if it is not heeded: `kill` puts the runtime into a fresh fork. */
  after: z.enum(["kill"]).exactOptional(),
});

/** The client has consumed this much output payload and takes as much again. */
export const creditFrame = z.object({ type: z.literal("credit"), bytes: z.int().min(1).max(MAX_CREDIT_BYTES) });

/** Answered with a `pong` of the same nonce. */
export const pingFrame = z.object({ type: z.literal("ping"), nonce: z.int().min(0).max(MAX_NONCE) });

export const clientFrame = z.discriminatedUnion("type", [
  executeFrame,
  stdinFrame,
  interruptFrame,
  creditFrame,
  pingFrame,
]);

/* ---- server to client -------------------------------------------------------------------- */

/** What this server allows; see limits.ts for the names. */
export const sessionLimits = z.object({
  maxFrameBytes: count,
  maxCodeBytes: count,
  maxQueuedExecutions: count,
  initialCreditBytes: count,
  defaultTimeoutMs: count,
  maxTimeoutMs: count,
  /** Memory of the VM, MiB. */
  memoryMb: count,
});

/** The session's VM is forked: frames may come. First, and once. */
export const readyFrame = z.object({
  type: z.literal("ready"),
  sessionId: z.string(),
  vmId: z.string(),
  template: z.string(),
  protocol: z.int().positive(),
  limits: sessionLimits,
  /** Microseconds the fork took. */
  forkTimeUs: count,
  /** Whether the client came back to a session it had. */
  resumed: z.boolean(),
});

/** The execution was handed to the VM. */
export const startedFrame = z.object({ type: z.literal("started"), id });

const outputFields = {
  id,
  /** Position among all output frames of the session, from 0. */
  seq: count,
  /** As the guest wrote it: may end inside a character. */
  data: bytes,
};
export const stdoutFrame = z.object({ type: z.literal("stdout"), ...outputFields });
export const stderrFrame = z.object({ type: z.literal("stderr"), ...outputFields });

/** One value in one or more forms: MIME type to text or, for images, bytes. */
export const mimeBundle = z.record(z.string(), z.union([z.string(), bytes]));

/** The value of the cell's last expression. */
export const resultFrame = z.object({ type: z.literal("result"), id, bundle: mimeBundle });

/** The cell ended in an exception, in the guest's own words. */
export const errorFrame = z.object({
  type: z.literal("error"),
  id,
  name: z.string(),
  message: z.string(),
  traceback: z.string(),
});

/** The running cell waits for a line of standard input. */
export const inputRequestFrame = z.object({
  type: z.literal("inputRequest"),
  id,
  prompt: z.string(),
  /** Do not show what is typed. */
  password: z.boolean(),
});

export const executionStatus = z.enum(["ok", "error", "interrupted", "timeout", "killed"]);

/** The execution ended: after the last byte of its output, exactly once. */
export const doneFrame = z.object({
  type: z.literal("done"),
  id,
  status: executionStatus,
  exitCode: z.int(),
  /** How many cells this session has run, this one included. */
  executionCount: count,
  timings: z.object({
    /** From arrival to being handed to the VM, microseconds. */
    queuedUs: count,
    /** From being handed over to its end, microseconds. */
    execUs: count,
  }),
  /** Output, result or error were cut. */
  truncated: z.boolean(),
});

export const pongFrame = z.object({ type: z.literal("pong"), nonce: count });

/** Something was refused or went wrong; codes.ts says whether the connection ends with it. */
export const failureFrame = z.object({
  type: z.literal("failure"),
  code: z.string(),
  message: z.string(),
  /** Type of the frame that was refused. An `execute` that was refused gets no `done`. */
  frame: z.string().exactOptional(),
  /** That frame's `id`. */
  id: id.exactOptional(),
});

/** The last frame of a session: the connection closes. */
export const closedFrame = z.object({
  type: z.literal("closed"),
  /** A code of codes.ts. */
  reason: z.string(),
  message: z.string().exactOptional(),
});

export const serverFrame = z.discriminatedUnion("type", [
  readyFrame,
  startedFrame,
  stdoutFrame,
  stderrFrame,
  resultFrame,
  errorFrame,
  inputRequestFrame,
  doneFrame,
  pongFrame,
  failureFrame,
  closedFrame,
]);

export type ClientFrame = z.infer<typeof clientFrame>;
export type ServerFrame = z.infer<typeof serverFrame>;
export type ExecuteFrame = z.infer<typeof executeFrame>;
export type StdinFrame = z.infer<typeof stdinFrame>;
export type InterruptFrame = z.infer<typeof interruptFrame>;
export type ReadyFrame = z.infer<typeof readyFrame>;
export type ResultFrame = z.infer<typeof resultFrame>;
export type ErrorFrame = z.infer<typeof errorFrame>;
export type InputRequestFrame = z.infer<typeof inputRequestFrame>;
export type DoneFrame = z.infer<typeof doneFrame>;
export type FailureFrame = z.infer<typeof failureFrame>;
export type ClosedFrame = z.infer<typeof closedFrame>;
export type SessionLimits = z.infer<typeof sessionLimits>;
export type MimeBundle = z.infer<typeof mimeBundle>;
export type ExecutionStatus = z.infer<typeof executionStatus>;

/** Frame types of each direction, for telling an unknown type from an ill-formed frame. */
export const CLIENT_FRAME_TYPES: ReadonlySet<string> = new Set(typesOf(clientFrame));
export const SERVER_FRAME_TYPES: ReadonlySet<string> = new Set(typesOf(serverFrame));

function typesOf(union: {
  readonly options: readonly { readonly shape: { readonly type: { readonly value: string } } }[];
}) {
  return union.options.map((option) => option.shape.type.value);
}
