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
  /**
   * What to do if it is not heeded within `limits.interruptGraceMs`: `kill` ends the cell's child processes, and
   * after as long again puts the runtime into a fresh fork.
   */
  after: z.enum(["kill"]).exactOptional(),
});

/** What could stand at `cursor`, from the live namespace. Queued like an execution; answered with `completed`. */
export const completeFrame = z.object({
  type: z.literal("complete"),
  id,
  code: z.string(),
  /** Position in `code`, code points. */
  cursor: count,
});

/** What the object named at `cursor` is, from the live namespace. Queued like an execution; answered with `inspected`. */
export const inspectFrame = z.object({
  type: z.literal("inspect"),
  id,
  code: z.string(),
  /** Position in `code`, code points: within or behind a name. */
  cursor: count,
});

/** Whether `code` is a whole cell or wants another line. Queued like an execution; answered with `checked`. */
export const checkFrame = z.object({ type: z.literal("check"), id, code: z.string() });

/** The client has consumed this much output payload and takes as much again. */
export const creditFrame = z.object({ type: z.literal("credit"), bytes: z.int().min(1).max(MAX_CREDIT_BYTES) });

/** Answered with a `pong` of the same nonce. */
export const pingFrame = z.object({ type: z.literal("ping"), nonce: z.int().min(0).max(MAX_NONCE) });

export const clientFrame = z.discriminatedUnion("type", [
  executeFrame,
  stdinFrame,
  interruptFrame,
  completeFrame,
  checkFrame,
  inspectFrame,
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
  /** Of one cell's stdout and stderr together; what is beyond is cut between its head and its tail. */
  maxOutputBytes: count,
  maxSessionOutputBytes: count,
  idleTimeoutMs: count,
  lifetimeMs: count,
  interruptGraceMs: count,
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

/** One value in one or more forms: MIME type to text or, for pictures of pixels, bytes. */
export const mimeBundle = z
  .object({
    "text/plain": z.string(),
    "text/html": z.string().exactOptional(),
    "text/markdown": z.string().exactOptional(),
    "text/latex": z.string().exactOptional(),
    "image/svg+xml": z.string().exactOptional(),
    "application/json": z.string().exactOptional(),
    "image/png": bytes.exactOptional(),
    "image/jpeg": bytes.exactOptional(),
  })
  .catchall(z.union([z.string(), bytes]));

/** The value of the cell's last expression. */
export const resultFrame = z.object({ type: z.literal("result"), id, bundle: mimeBundle });

/** Something the cell shows while it runs: in its place among the output. */
export const displayFrame = z.object({ type: z.literal("display"), id, bundle: mimeBundle });

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
/** What it took to end an execution: SIGINT, SIGKILL of its child processes, a fresh fork; or the guest's own end. */
export const stoppedBy = z.enum(["interrupt", "kill", "restart", "outOfMemory"]);

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
  /** Whether what the session's cells have made (variables, files, processes) is still there. */
  stateKept: z.boolean(),
  /** Absent: it ended by itself. */
  stoppedBy: stoppedBy.exactOptional(),
});

/** The session goes on in a fresh fork, with nothing of what its cells had made. */
export const restartedFrame = z.object({
  type: z.literal("restarted"),
  vmId: z.string(),
  /** Microseconds the fork took. */
  forkTimeUs: count,
  /** What ended the VM before. */
  reason: z.enum(["interrupt", "timeout", "outOfMemory"]),
});

/** Answer to `complete`: any of `matches` may stand in place of the code points from `start` to `end`. */
export const completedFrame = z.object({
  type: z.literal("completed"),
  id,
  matches: z.array(z.string()),
  start: count,
  end: count,
});

/** Answer to `check`. */
export const checkedFrame = z.object({
  type: z.literal("checked"),
  id,
  status: z.enum(["complete", "incomplete", "invalid"]),
  /** With which the next line of an incomplete cell begins. */
  indent: z.string(),
});

/** Answer to `inspect`. */
export const inspectedFrame = z.object({
  type: z.literal("inspected"),
  id,
  /** Whether the cursor is at the name of something there is. */
  found: z.boolean(),
  /** What is told of it; its `text/plain` is empty when nothing was found. */
  bundle: mimeBundle,
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
  displayFrame,
  errorFrame,
  inputRequestFrame,
  doneFrame,
  restartedFrame,
  completedFrame,
  checkedFrame,
  inspectedFrame,
  pongFrame,
  failureFrame,
  closedFrame,
]);

export type ClientFrame = z.infer<typeof clientFrame>;
export type ServerFrame = z.infer<typeof serverFrame>;
export type ExecuteFrame = z.infer<typeof executeFrame>;
export type StdinFrame = z.infer<typeof stdinFrame>;
export type InterruptFrame = z.infer<typeof interruptFrame>;
export type CompleteFrame = z.infer<typeof completeFrame>;
export type CheckFrame = z.infer<typeof checkFrame>;
export type InspectFrame = z.infer<typeof inspectFrame>;
export type ReadyFrame = z.infer<typeof readyFrame>;
export type ResultFrame = z.infer<typeof resultFrame>;
export type StdoutFrame = z.infer<typeof stdoutFrame>;
export type StderrFrame = z.infer<typeof stderrFrame>;
export type DisplayFrame = z.infer<typeof displayFrame>;
export type ErrorFrame = z.infer<typeof errorFrame>;
export type InputRequestFrame = z.infer<typeof inputRequestFrame>;
export type DoneFrame = z.infer<typeof doneFrame>;
export type RestartedFrame = z.infer<typeof restartedFrame>;
export type CompletedFrame = z.infer<typeof completedFrame>;
export type CheckedFrame = z.infer<typeof checkedFrame>;
export type InspectedFrame = z.infer<typeof inspectedFrame>;
export type FailureFrame = z.infer<typeof failureFrame>;
export type ClosedFrame = z.infer<typeof closedFrame>;
export type SessionLimits = z.infer<typeof sessionLimits>;
export type MimeBundle = z.infer<typeof mimeBundle>;
export type StoppedBy = z.infer<typeof stoppedBy>;
export type ExecutionStatus = z.infer<typeof executionStatus>;

/** Frame types of each direction, for telling an unknown type from an ill-formed frame. */
export const CLIENT_FRAME_TYPES: ReadonlySet<string> = new Set(typesOf(clientFrame));
export const SERVER_FRAME_TYPES: ReadonlySet<string> = new Set(typesOf(serverFrame));

function typesOf(union: {
  readonly options: readonly { readonly shape: { readonly type: { readonly value: string } } }[];
}) {
  return union.options.map((option) => option.shape.type.value);
}
