import { type Execution, Session, type ZerobootError } from "../../client/src/index.js";
import { Mismatch } from "./mismatch.js";
import { OutputRecord } from "./output-record.js";
import { type Cell, type CellOptions, type Completion, type Outcome, type Peer, SessionEnded } from "./peer.js";

/** Between two pieces of output a slow reader takes, milliseconds. */
const SLOW_READER_PAUSE_MS = 10;

/** The SDK, as programs use it. What it finds wrong with the server itself ends the session with `protocol_error`. */
export class SdkPeer implements Peer {
  readonly kind = "sdk";
  readonly ended: Promise<string>;
  readonly #session: Session;
  #restarts = 0;

  private constructor(session: Session) {
    this.#session = session;
    this.ended = session.closed.then(({ code }) => code);
  }

  /** @throws ZerobootError, or the signal's reason */
  static async connect(url: string, connectTimeoutMs: number, signal?: AbortSignal): Promise<SdkPeer> {
    let peer: SdkPeer | undefined;
    const session = await Session.connect({
      url,
      connectTimeoutMs,
      onRestart: () => {
        if (peer !== undefined) peer.#restarts++;
      },
      ...(signal === undefined ? {} : { signal }),
    });
    peer = new SdkPeer(session);
    return peer;
  }

  get sessionId(): string {
    return this.#session.id;
  }
  get interruptGraceMs(): number {
    return this.#session.limits.interruptGraceMs;
  }
  get restarts(): number {
    return this.#restarts;
  }

  run(code: string, options: CellOptions = {}): Cell {
    return new SdkCell(this.#session, code, options);
  }

  async complete(code: string, cursor: number): Promise<Completion> {
    return told(this.#session.complete(code, cursor));
  }

  async check(code: string): Promise<{ readonly status: string; readonly indent: string }> {
    return told(this.#session.check(code));
  }

  async ping(): Promise<void> {
    await told(this.#session.ping());
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** It cannot do otherwise. */
  cut(): Promise<void> {
    return this.close();
  }
}

class SdkCell implements Cell {
  readonly output = new OutputRecord();
  readonly outcome: Promise<Outcome>;
  readonly #execution: Execution;
  readonly #prompts: string[] = [];
  #readOn!: () => void;

  constructor(session: Session, code: string, options: CellOptions) {
    const { answers, reader = "eager", timeoutMs, env, stdin } = options;
    const left = [...(answers ?? [])];
    this.#execution = session.run(code, {
      onStdout: (text) => this.output.add("stdout", Buffer.from(text)),
      onStderr: (text) => this.output.add("stderr", Buffer.from(text)),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(env === undefined ? {} : { env }),
      ...(stdin === undefined ? {} : { stdin }),
      ...(answers === undefined
        ? {}
        : {
            onInput: ({ prompt }: { readonly prompt: string }) => {
              this.#prompts.push(prompt);
              return left.shift();
            },
          }),
    });
    const stalled = new Promise<void>((resolve) => {
      this.#readOn = resolve;
    });
    if (reader !== "eager") void this.#read(reader === "stalled" ? stalled : undefined);
    this.outcome = told(this.#execution)
      .then((result) => ({
        status: result.status,
        exitCode: result.exitCode,
        result: result.result?.["text/plain"]?.toString(),
        error: result.error,
        executionCount: result.executionCount,
        truncated: result.truncated,
        stateKept: result.stateKept,
        stoppedBy: result.stoppedBy,
        prompts: this.#prompts,
      }))
      .finally(() => this.output.wake());
    this.outcome.catch(() => {});
  }

  interrupt(after?: "kill"): void {
    this.#execution.interrupt(after === undefined ? {} : { after });
  }

  write(text: string): void {
    this.#execution.write(text);
  }

  closeInput(): void {
    this.#execution.closeStdin();
  }

  readOn(): void {
    this.#readOn();
  }

  /** Iterating is what holds the guest back. */
  async #read(stalled: Promise<void> | undefined): Promise<void> {
    try {
      for await (const _ of this.#execution.stdout.bytes()) {
        await (stalled ?? new Promise((resolve) => setTimeout(resolve, SLOW_READER_PAUSE_MS)));
      }
    } catch {
      // The execution's own error, which its awaiter is told too.
    }
  }
}

/** Errors of the SDK in the words of all peers. */
async function told<T>(answer: PromiseLike<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { code } = error as ZerobootError;
    if (code === "protocol_error") throw new Mismatch((error as Error).message);
    if ((error as Error).name === "SessionClosedError") throw new SessionEnded(code);
    throw error;
  }
}
