import type { Execution, OutputEvent } from "@zeroboot/sdk";
import { type Platform, Session } from "@zeroboot/sdk/transport";
import { type Program, type Ran, ranOf } from "./program.js";

/**
 * Run a program in a session that lives no longer than it does: the same session, at the other end of the same
 * protocol, as a WebSocket's.
 * @param gone whoever waits for the answer is: the VM ends at once
 * @throws the SDK's errors; the signal's reason
 */
export async function runProgram(platform: Platform, program: Program, gone: AbortSignal): Promise<Ran> {
  const own = await OwnSession.open(platform, gone);
  try {
    return ranOf(await own.run(program), own.forkTimeUs);
  } finally {
    own.leave();
  }
}

/** A program that runs: what it puts out, then how it ended. `output` may be iterated once, `ended` is there after it. */
export interface StreamedProgram {
  readonly forkTimeMs: number;
  readonly output: AsyncIterable<OutputEvent>;
  /** Without what was in the output. Rejects with the SDK's errors. */
  ended(): Promise<Ran>;
  /** Its VM may go. Idempotent. */
  leave(): void;
}

/** {@link runProgram}, of which the output is there as it comes. Rejects if there is no VM to be had. */
export async function streamProgram(platform: Platform, program: Program, gone: AbortSignal): Promise<StreamedProgram> {
  const own = await OwnSession.open(platform, gone);
  return {
    forkTimeMs: own.forkTimeUs / 1000,
    output: own.begin({ ...program, maxOutputBytes: 0 }),
    ended: async () => ranOf({ ...(await own.running), stdout: "", stderr: "" }, own.forkTimeUs),
    leave: () => own.leave(),
  };
}

/** A session for one program. */
class OwnSession {
  readonly #session: Session;
  readonly #gone: AbortSignal;
  readonly #leave = () => this.leave();
  #execution: Execution | undefined;

  private constructor(session: Session, gone: AbortSignal) {
    this.#session = session;
    this.#gone = gone;
    gone.addEventListener("abort", this.#leave, { once: true });
  }

  static async open(platform: Platform, gone: AbortSignal): Promise<OwnSession> {
    const own = new OwnSession(await Session.connectOver(platform, { signal: gone }), gone);
    if (!gone.aborted) return own;
    own.leave();
    throw gone.reason;
  }

  get forkTimeUs(): number {
    return this.#session.forkTimeUs;
  }

  get running(): Execution {
    if (this.#execution === undefined) throw new TypeError("nothing has begun");
    return this.#execution;
  }

  run({ code, timeoutMs, stdin, env, maxOutputBytes }: Program): Execution {
    this.#execution = this.#session.run(code, {
      timeoutMs,
      maxOutputBytes,
      ...(stdin === undefined ? {} : { input: stdin }),
      ...(env === undefined ? {} : { env }),
    });
    return this.#execution;
  }

  /** @returns the output, which is being collected from now on */
  begin(program: Program): AsyncIterable<OutputEvent> {
    const iterator = this.run(program).events[Symbol.asyncIterator]();
    return { [Symbol.asyncIterator]: () => iterator };
  }

  /** The answer does not wait for the VM's end. */
  leave(): void {
    this.#gone.removeEventListener("abort", this.#leave);
    void this.#session.close();
  }
}
