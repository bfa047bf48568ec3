import {
  ExecutionRefusedError,
  InvalidOptionError,
  SessionClosedError,
  SessionRefusedError,
  ZerobootError,
} from "@zeroboot/sdk";
import { FAILURES, type FailureCode, failureInfo } from "@zeroboot/sdk/protocol";
import type { Platform } from "@zeroboot/sdk/transport";
import { v7 as uuid } from "uuid";
import type { Caller, Gate, Refusal } from "../access/gate.js";
import { failure, json, refused } from "../http/responses.js";
import type { Route } from "../http/router.js";
import type { Logger } from "../logger.js";
import type { TransportRequest } from "../transport/transport.js";
import { BodyError, check, isJson, withJsonBody } from "./body.js";
import { LANGUAGES } from "./languages.js";
import { type NotRun, type Program, type Ran, runProgram } from "./runner.js";
import { batchRequest, type ExecRequest, execRequest } from "./schemas.js";

/** Kept of each output stream of one program, and of all programs of a batch together, bytes. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Programs of one batch that run at one time. */
const BATCH_PARALLEL = 8;

export interface ExecOptions {
  readonly gate: Gate;
  /** Where a session of this template is to be had, or why there is none to be had. */
  readonly open: (template: string, caller: Caller) => Platform | Refusal;
  readonly defaultTemplate: string;
  readonly log: Logger;
}

/** What one program's request is answered with. */
type Outcome = { readonly ran: Ran; readonly totalMs: number } | NotRun;

/** `POST /v1/exec` and `POST /v1/exec/batch`, and the first one's alias. */
export function execRoutes(options: ExecOptions): Readonly<Record<string, Route>> {
  const exec = new Exec(options);
  const one: Route = { methods: ["POST"], handle: (request, id) => exec.one(request, id) };
  return {
    "/v1/exec": one,
    "/exec": one,
    "/v1/exec/batch": { methods: ["POST"], handle: (request, id) => exec.batch(request, id) },
  };
}

class Exec {
  readonly #options: ExecOptions;

  constructor(options: ExecOptions) {
    this.#options = options;
  }

  one(request: TransportRequest, requestId: string) {
    const caller = this.#options.gate.admit(request);
    if ("code" in caller) return refused(caller, requestId);
    if (!isJson(request)) return failure("media_type_unsupported", requestId);
    return withJsonBody(requestId, this.#options.log, async (body, gone) => {
      refuseFiles(body);
      const outcome = await this.#run(check(execRequest, body), caller, MAX_OUTPUT_BYTES, gone);
      if ("ran" in outcome) return json(200, answerOf(requestId, outcome), { "x-request-id": requestId });
      return refused(outcome, requestId);
    });
  }

  batch(request: TransportRequest, requestId: string) {
    const { gate } = this.#options;
    const caller = gate.identify(request);
    if ("code" in caller) return refused(caller, requestId);
    if (!isJson(request)) return failure("media_type_unsupported", requestId);
    return withJsonBody(requestId, this.#options.log, async (body, gone) => {
      const { executions } = check(batchRequest, body);
      // Each costs what it would cost alone.
      const tooOften = gate.charge(caller, executions.length);
      if (tooOften !== undefined) return refused(tooOften, requestId);
      const maxOutputBytes = Math.floor(
        (MAX_OUTPUT_BYTES * BATCH_PARALLEL) / Math.max(BATCH_PARALLEL, executions.length),
      );
      const results = await inParallel(executions, BATCH_PARALLEL, (item) =>
        this.#batchItem(item, caller, maxOutputBytes, gone),
      );
      return json(200, { results }, { "x-request-id": requestId });
    });
  }

  async #batchItem(item: unknown, caller: Caller, maxOutputBytes: number, gone: AbortSignal): Promise<object> {
    let program: ExecRequest;
    try {
      refuseFiles(item);
      program = check(execRequest, item);
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      return { error: error.message, code: "invalid_request" satisfies FailureCode };
    }
    const outcome = await this.#run(program, caller, maxOutputBytes, gone);
    if ("ran" in outcome) return answerOf(uuid(), outcome);
    return { error: outcome.message, code: outcome.code };
  }

  async #run(request: ExecRequest, caller: Caller, maxOutputBytes: number, gone: AbortSignal): Promise<Outcome> {
    const start = performance.now();
    const template = this.#templateOf(request);
    if (template === undefined) {
      return { code: "language_unknown", message: `language: one of ${Object.keys(LANGUAGES).join(", ")}` };
    }
    const platform = this.#options.open(template, caller);
    if ("code" in platform)
      return { code: platform.code, message: platform.message ?? FAILURES[platform.code].meaning };
    const program: Program = {
      code: request.code,
      timeoutMs: request.timeout_seconds * 1000,
      stdin: request.stdin,
      env: request.env,
      maxOutputBytes,
    };
    try {
      const ran = await runProgram(platform, program, gone);
      return { ran, totalMs: performance.now() - start };
    } catch (error) {
      // Nobody reads it.
      if (gone.aborted) return { code: "session_closed", message: FAILURES.session_closed.meaning };
      return this.#notRun(error);
    }
  }

  #templateOf({ language, template }: ExecRequest): string | undefined {
    if (template !== undefined) return template;
    if (language === undefined) return this.#options.defaultTemplate;
    return Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined;
  }

  #notRun(error: unknown): NotRun {
    if (error instanceof InvalidOptionError) return { code: "invalid_request", message: error.message };
    const isTold =
      error instanceof SessionRefusedError ||
      error instanceof SessionClosedError ||
      error instanceof ExecutionRefusedError;
    if (isTold && failureInfo(error.code) !== undefined) {
      return { code: error.code as FailureCode, message: error.message };
    }
    const code = error instanceof ZerobootError ? error.code : undefined;
    this.#options.log.error({ err: error, code }, "a program could not be run");
    return { code: "internal", message: FAILURES.internal.meaning };
  }
}

/** The fields of every published form of the answer. Times in milliseconds. */
function answerOf(id: string, { ran, totalMs }: Extract<Outcome, { ran: Ran }>): object {
  return {
    id,
    stdout: ran.stdout,
    stderr: ran.stderr,
    exit_code: ran.exitCode,
    output: ran.stdout,
    ...(ran.result === undefined ? {} : { result: ran.result }),
    timed_out: ran.timedOut,
    truncated: ran.truncated,
    fork_time_ms: rounded(ran.forkTimeMs),
    exec_time_ms: rounded(ran.execTimeMs),
    total_time_ms: rounded(totalMs),
    duration_ms: rounded(totalMs),
  };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** Better told than left aside: the program would not find them. */
function refuseFiles(body: unknown): void {
  if (typeof body === "object" && body !== null && "files" in body) {
    throw new BodyError("files: this server does not take files yet");
  }
}

/** `work` on every item, at most `parallel` at a time; the results in the items' order. */
async function inParallel<T, R>(items: readonly T[], parallel: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const pending = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of pending) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  return results;
}
