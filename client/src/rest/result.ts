import * as z from "zod";

/** An answer of `POST /v1/exec`. Fields of a newer server are left aside. */
export const execAnswer = z.object({
  id: z.string(),
  stdout: z.string(),
  stderr: z.string(),
  exit_code: z.int(),
  result: z.string().optional(),
  timed_out: z.boolean().default(false),
  truncated: z.boolean().default(false),
  fork_time_ms: z.number(),
  exec_time_ms: z.number(),
  total_time_ms: z.number(),
});
export type ExecAnswer = z.output<typeof execAnswer>;

/** What a program did. Times in milliseconds. */
export interface RunFields {
  readonly id: string;
  /** Exactly what was written. */
  readonly stdout: string;
  readonly stderr: string;
  /** The text that the result itself stands for: `stdout` without its last newline. */
  readonly output: string;
  /** The program's own; 1 an exception, 124 out of time, 137 its virtual machine ended. */
  readonly exitCode: number;
  readonly exit_code: number;
  /** The value of a last expression, as text. */
  readonly result?: string;
  readonly timed_out: boolean;
  readonly truncated: boolean;
  readonly fork_time_ms: number;
  readonly exec_time_ms: number;
  readonly total_time_ms: number;
  readonly duration_ms: number;
}

/**
 * A run's result, usable as its text: it prints, concatenates and serialises as `output`, and has the fields besides.
 * It is a `String` object: compare its text by `String(result)` or `result.output`.
 */
export type RunResult = string & RunFields;

class RunText extends String {
  declare readonly output: string;

  /** What `console.log` of Node shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.output;
  }
}

export function resultOf(answer: ExecAnswer): RunResult {
  const output = answer.stdout.replace(/\n$/, "");
  const fields: RunFields = {
    id: answer.id,
    stdout: answer.stdout,
    stderr: answer.stderr,
    output,
    exitCode: answer.exit_code,
    exit_code: answer.exit_code,
    ...(answer.result === undefined ? {} : { result: answer.result }),
    timed_out: answer.timed_out,
    truncated: answer.truncated,
    fork_time_ms: answer.fork_time_ms,
    exec_time_ms: answer.exec_time_ms,
    total_time_ms: answer.total_time_ms,
    duration_ms: answer.total_time_ms,
  };
  return Object.assign(new RunText(output), fields) as unknown as RunResult;
}
