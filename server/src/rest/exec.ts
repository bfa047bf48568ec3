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
import type { StreamedResponse, TransportRequest, TransportResponse } from "../transport/transport.js";
import { BodyError, check, isJson, withJsonBody } from "./body.js";
import { EVENT_STREAM_HEADERS, formatEvent, keptAlive, wantsEventStream } from "./event-stream.js";
import { LANGUAGES } from "./languages.js";
import { jsonBundle, type NotRun, type Program, type Ran } from "./program.js";
import { runProgram, type StreamedProgram, streamProgram } from "./runner.js";
import { batchRequest, type ExecAnswer, type ExecEnd, type ExecRequest, execRequest } from "./schemas.js";

/** Kept of each output stream of one program, and of all programs of a batch together, bytes. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Programs of one batch that run at one time. */
const BATCH_PARALLEL = 8;

export interface ExecOptions {
  readonly gate: Gate;
  /** Where a session of this template is to be had, or why there is none to be had. */
  readonly open: (template: string, caller: Caller) => Platform | Refusal;
  readonly defaultTemplate: string;
  /** A program has run, so long after it was asked for. */
  readonly onRan: (totalMs: number) => void;
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
    const asEvents = wantsEventStream(request);
    return withJsonBody(requestId, this.#options.log, async (body, gone) => {
      refuseFiles(body);
      const program = check(execRequest, body);
      if (asEvents) return this.#stream(program, caller, requestId, gone);
      const outcome = await this.#run(program, caller, MAX_OUTPUT_BYTES, gone);
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
    const platform = this.#platformOf(request, caller);
    if ("code" in platform) return platform;
    try {
      const ran = await runProgram(platform, programOf(request, maxOutputBytes), gone);
      const totalMs = performance.now() - start;
      this.#options.onRan(totalMs);
      return { ran, totalMs };
    } catch (error) {
      return this.#notRun(error, gone);
    }
  }

  /** What is known before the program runs is answered as ever, and all else as an event. */
  async #stream(
    request: ExecRequest,
    caller: Caller,
    requestId: string,
    gone: AbortSignal,
  ): Promise<TransportResponse | StreamedResponse> {
    const start = performance.now();
    const platform = this.#platformOf(request, caller);
    if ("code" in platform) return refused(platform, requestId);
    try {
      const running = await streamProgram(platform, programOf(request, 0), gone);
      const parts = keptAlive(this.#events(running, requestId, start, gone));
      return { status: 200, headers: { ...EVENT_STREAM_HEADERS, "x-request-id": requestId }, parts };
    } catch (error) {
      return refused(this.#notRun(error, gone), requestId);
    }
  }

  async *#events(running: StreamedProgram, id: string, start: number, gone: AbortSignal): AsyncGenerator<string, void> {
    try {
      yield formatEvent("started", { id, fork_time_ms: rounded(running.forkTimeMs) });
      for await (const event of running.output) {
        if (event.type === "display") yield formatEvent("display", jsonBundle(event.bundle));
        else yield formatEvent(event.type, { text: event.text });
      }
      const ran = await running.ended();
      // What is not output of the program comes as it does without events: at the end of its standard error.
      if (ran.stderr !== "") yield formatEvent("stderr", { text: ran.stderr });
      const totalMs = performance.now() - start;
      this.#options.onRan(totalMs);
      yield formatEvent("done", endOf(id, { ran, totalMs }));
    } catch (error) {
      const { code, message } = this.#notRun(error, gone);
      yield formatEvent("failure", { error: message, code, request_id: id });
    } finally {
      running.leave();
    }
  }

  /** Where the program can run, or why nowhere. */
  #platformOf(request: ExecRequest, caller: Caller): Platform | NotRun {
    const template = this.#templateOf(request);
    if (template === undefined) {
      return { code: "language_unknown", message: `language: one of ${Object.keys(LANGUAGES).join(", ")}` };
    }
    const platform = this.#options.open(template, caller);
    if ("code" in platform)
      return { code: platform.code, message: platform.message ?? FAILURES[platform.code].meaning };
    return platform;
  }

  #templateOf({ language, template }: ExecRequest): string | undefined {
    if (template !== undefined) return template;
    if (language === undefined) return this.#options.defaultTemplate;
    return Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined;
  }

  #notRun(error: unknown, gone: AbortSignal): NotRun {
    // Nobody reads it.
    if (gone.aborted) return { code: "session_closed", message: FAILURES.session_closed.meaning };
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

function programOf({ code, timeout_seconds, stdin, env }: ExecRequest, maxOutputBytes: number): Program {
  return { code, timeoutMs: timeout_seconds * 1000, stdin, env, maxOutputBytes };
}

type Finished = Extract<Outcome, { ran: Ran }>;

/** The fields of every published form of the answer. Times in milliseconds. */
function answerOf(id: string, finished: Finished): ExecAnswer {
  const { stdout, stderr, displays } = finished.ran;
  // In the order of the published form, which is also the order for people to read.
  const { id: runId, exit_code, ...rest } = endOf(id, finished);
  return {
    id: runId,
    stdout,
    stderr,
    exit_code,
    output: stdout,
    ...(displays.length === 0 ? {} : { displays: displays.map(jsonBundle) }),
    ...rest,
  };
}

/** {@link answerOf} without the output. */
function endOf(id: string, { ran, totalMs }: Finished): ExecEnd {
  return {
    id,
    exit_code: ran.exitCode,
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
