import { creditCost, MAX_CODE_BYTES, type ServerFrame, utf8Length } from "@zeroboot/sdk/protocol";
import type { Template } from "../../../native/engine.js";
import { type Progress, TextProgress } from "../../../native/guest/build/index.js";
import { loadEngine } from "../../../native/index.js";
import type { Config } from "../config/config.js";
import { ServerError } from "../errors.js";
import { silentLogger } from "../logger.js";
import type { FrameSink } from "../session/frame-sink.js";
import { DEFAULT_SESSION_SETTINGS, type SessionSettings } from "../session/limits.js";
import { Session } from "../session/session.js";
import { TemplateStore } from "../templates/template-store.js";
import type { ExecRequest } from "./exec.js";
import { endedWithSession, type Ran } from "./exec-result.js";
import { EXIT } from "./exit-codes.js";

/** A program on one's own machine may take its time. */
const LONGEST_MS = 7 * 86_400_000;
const EXECUTION = "exec";

/**
 * Run a program in a fork made in this process. The same session as a server's: only its frames
 * go nowhere.
 * @throws EngineError, SetupError, ServerError
 */
export async function execHere(request: ExecRequest, config: Config): Promise<Ran> {
  if (utf8Length(request.code) > MAX_CODE_BYTES) {
    throw new ServerError("input_invalid", `the code has more than ${MAX_CODE_BYTES} bytes`);
  }
  const engine = loadEngine();
  const store = new TemplateStore(engine, engine.probeHost());
  const progress: Progress = new TextProgress(process.stderr);
  const template = await store.open({
    name: config.template,
    memoryMb: config.memoryMb,
    snapshotPath: config.snapshot,
    kernelPath: config.kernel,
    progress,
    signal: request.signal,
  });
  try {
    return await runIn(template, config.template, request);
  } finally {
    template.close();
  }
}

function runIn(template: Template, templateName: string, request: ExecRequest): Promise<Ran> {
  const settings: SessionSettings = {
    ...DEFAULT_SESSION_SETTINGS,
    defaultTimeoutMs: request.timeoutMs ?? LONGEST_MS,
    idleTimeoutMs: LONGEST_MS,
    lifetimeMs: LONGEST_MS,
  };
  return new Promise((resolve) => {
    const sink = new ProgramSink(request);
    const session = new Session({
      id: EXECUTION,
      template,
      templateName,
      settings,
      sink,
      log: silentLogger,
      onClosed: () => {
        request.signal.removeEventListener("abort", interrupt);
        resolve(sink.outcome());
      },
    });
    const interrupt = (): void => session.receive({ type: "interrupt" });
    request.signal.addEventListener("abort", interrupt);
    sink.session = session;
    session.start();
  });
}

/** The other end of the session: runs the program once there is a VM, passes its output on. */
class ProgramSink implements FrameSink {
  readonly #request: ExecRequest;
  session: Session | undefined;
  #ran: Ran | undefined;
  #traceback: string | undefined;
  #result: string | undefined;
  #end: { readonly reason: string; readonly message: string } | undefined;

  constructor(request: ExecRequest) {
    this.#request = request;
  }

  send(frame: ServerFrame): boolean {
    switch (frame.type) {
      case "ready":
        this.#later(() => this.#begin());
        break;
      case "stdout":
        this.#request.onStdout(frame.data);
        this.#consumed(frame);
        break;
      case "stderr":
        this.#request.onStderr(frame.data);
        this.#consumed(frame);
        break;
      case "error":
        this.#traceback = frame.traceback;
        this.#consumed(frame);
        break;
      case "result":
        if (typeof frame.bundle["text/plain"] === "string") this.#result = frame.bundle["text/plain"];
        this.#consumed(frame);
        break;
      case "done":
        this.#ran = {
          exitCode: frame.exitCode,
          status: frame.status,
          truncated: frame.truncated,
          traceback: this.#traceback,
          result: this.#result,
        };
        this.#later(() => this.session?.dispose());
        break;
      case "closed":
        this.#end = { reason: frame.reason, message: frame.message ?? frame.reason };
        break;
    }
    return true;
  }

  cork(work: () => void): void {
    work();
  }

  end(): void {}

  outcome(): Ran {
    const ran = this.#ran ?? { status: "killed" as const, exitCode: EXIT.failure, truncated: false };
    if (this.#end !== undefined) return endedWithSession(ran, this.#end.reason, this.#end.message);
    return this.#ran ?? { ...ran, failure: "the VM ended" };
  }

  /** Unless it was interrupted before there was anything that could be. */
  #begin(): void {
    if (!this.#request.signal.aborted) {
      this.session?.receive({ type: "execute", id: EXECUTION, code: this.#request.code });
      return;
    }
    this.#ran = { status: "interrupted", exitCode: EXIT.interrupted, truncated: false };
    this.session?.dispose();
  }

  /** Output is in the hands of the kernel when it is written: there is nothing to wait for. */
  #consumed(frame: ServerFrame): void {
    this.session?.receive({ type: "credit", bytes: creditCost(frame) });
  }

  /** The session is in the middle of sending. */
  #later(work: () => void): void {
    queueMicrotask(work);
  }
}
