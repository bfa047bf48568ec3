import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../native/guest/build/index.js";

export const CLI = join(packageRoot(), "dist/server/src/cli/bin.js");

/** How a program ended and what it said. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Run a program to its end. */
export async function runProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  const child = spawn(file, args, { stdio: "pipe", env: { ...process.env, ...options.env }, cwd: options.cwd });
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  return { ...(await ended(child)), stdout: stdout(), stderr: stderr() };
}

/** Run `zeroboot` with these arguments. */
export function zeroboot(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return runProgram(process.execPath, [CLI, ...args], options);
}

/** What a stream has said so far. */
export function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** Resolves once the process has ended and its output is all here. */
export function ended(child: ChildProcess): Promise<Pick<Ended, "exitCode" | "signal">> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  });
}
