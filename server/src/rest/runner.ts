import type { MimeBundle } from "@zeroboot/sdk";
import type { FailureCode } from "@zeroboot/sdk/protocol";
import { type Platform, Session } from "@zeroboot/sdk/transport";

/** A program for a VM of its own. */
export interface Program {
  readonly code: string;
  readonly timeoutMs: number;
  readonly stdin: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  /** Kept of each output stream, bytes. */
  readonly maxOutputBytes: number;
}

/** How a program ended, whatever its exit code. Times in milliseconds. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly timedOut: boolean;
  readonly truncated: boolean;
  /** The value of the last expression, as text. */
  readonly result: string | undefined;
  readonly forkTimeMs: number;
  readonly execTimeMs: number;
}

/** Nothing ran to its end: why. */
export interface NotRun {
  readonly code: FailureCode;
  readonly message: string;
}

/**
 * Run a program in a session that lives no longer than it does: the same session, at the other end of the same
 * protocol, as a WebSocket's.
 * @param gone whoever waits for the answer is: the VM ends at once
 * @throws the SDK's errors; the signal's reason
 */
export async function runProgram(platform: Platform, program: Program, gone: AbortSignal): Promise<Ran> {
  const session = await Session.connectOver(platform, { signal: gone });
  const leave = () => void session.close();
  gone.addEventListener("abort", leave, { once: true });
  try {
    gone.throwIfAborted();
    const { code, timeoutMs, stdin, env, maxOutputBytes } = program;
    const forkTimeMs = session.forkTimeUs / 1000;
    const ran = await session.run(code, {
      timeoutMs,
      maxOutputBytes,
      ...(stdin === undefined ? {} : { input: stdin }),
      ...(env === undefined ? {} : { env }),
    });
    return {
      stdout: ran.stdout,
      // A traceback is what a program that nobody caught it in would print.
      stderr: ran.error === undefined ? ran.stderr : `${ran.stderr}${withNewline(ran.error.traceback)}`,
      exitCode: ran.exitCode,
      timedOut: ran.status === "timeout",
      truncated: ran.truncated,
      result: textOf(ran.result),
      forkTimeMs,
      execTimeMs: ran.timings.execUs / 1000,
    };
  } finally {
    gone.removeEventListener("abort", leave);
    // The answer does not wait for the VM's end.
    leave();
  }
}

function textOf(bundle: MimeBundle | undefined): string | undefined {
  const text = bundle?.["text/plain"];
  return typeof text === "string" ? text : undefined;
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
