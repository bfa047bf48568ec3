import type { ExecutionResult, MimeBundle } from "@zeroboot/sdk";
import type { FailureCode } from "@zeroboot/sdk/protocol";

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
  readonly displays: readonly MimeBundle[];
  readonly forkTimeMs: number;
  readonly execTimeMs: number;
}

/** Nothing ran to its end: why. */
export interface NotRun {
  readonly code: FailureCode;
  readonly message: string;
}

/** What became of it, in the terms of REST. */
export function ranOf(result: ExecutionResult, forkTimeUs: number): Ran {
  return {
    stdout: result.stdout,
    // A traceback is what a program that nobody caught it in would print.
    stderr: result.error === undefined ? result.stderr : `${result.stderr}${withNewline(result.error.traceback)}`,
    exitCode: result.exitCode,
    timedOut: result.status === "timeout",
    truncated: result.truncated,
    result: textOf(result.result),
    displays: result.displays,
    forkTimeMs: forkTimeUs / 1000,
    execTimeMs: result.timings.execUs / 1000,
  };
}

/** A bundle as JSON can have it: pictures in base 64. */
export function jsonBundle(bundle: MimeBundle): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bundle).map(([type, part]) => [
      type,
      typeof part === "string" ? part : Buffer.from(part).toString("base64"),
    ]),
  );
}

function textOf(bundle: MimeBundle | undefined): string | undefined {
  const text = bundle?.["text/plain"];
  return typeof text === "string" ? text : undefined;
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
