import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { interrupted, SetupError } from "./errors.js";
import type { BoundedLog } from "./log.js";

export interface CommandOptions {
  cwd?: string;
  /** The whole environment of the command; see {@link buildEnvironment}. */
  env: NodeJS.ProcessEnv;
  /** Where its output goes, with a bound on its size. */
  log: BoundedLog;
  signal?: AbortSignal | undefined;
  /** Each line of standard output and error, as it comes. */
  onLine?: (line: string) => void;
  /** Lines the command writes to file descriptor 3 (apt's status). */
  onStatusLine?: (line: string) => void;
  /**
   * A file descriptor the command and its children inherit as number 4: a lock's, so that the
   * lock outlives us while an orphan of ours still works on what it protects.
   */
  holdFd?: number | undefined;
  /** Exit codes that are not a failure. @default [0] */
  accept?: readonly number[];
}

export interface CommandResult {
  exitCode: number;
  /** Everything on standard output, at most {@link CAPTURE_LIMIT} characters. */
  stdout: string;
}

/** Kept of a command's standard output. Package indexes are the largest thing asked for. */
const CAPTURE_LIMIT = 16 * 1024 * 1024;
const TERMINATE_AFTER_MS = 500;
const KILL_AFTER_MS = 5_000;
const SETPRIV = "/usr/bin/setpriv";

/**
 * Run a program to its end.
 *
 * It gets a process group of its own: a Ctrl-C on the terminal reaches only us, and we stop the
 * whole group (make and its compilers, apt-get and its fetchers) with SIGINT, on which apt keeps
 * partial downloads resumable and make removes half-written targets. Should we die by SIGKILL,
 * the kernel sends the program SIGTERM.
 *
 * @throws SetupError `command_failed` with the last lines of its output, `interrupted`
 */
export async function run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  if (options.signal?.aborted === true) throw interrupted();
  const [file, argv] = existsSync(SETPRIV)
    ? [SETPRIV, ["--pdeathsig", "TERM", "--", program, ...args]]
    : [program, [...args]];
  options.log.note(`$ ${[program, ...args].join(" ")}`);
  const child = spawn(file, argv, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: [
      "ignore",
      "pipe",
      "pipe",
      options.onStatusLine === undefined ? "ignore" : "pipe",
      options.holdFd ?? "ignore",
    ],
  });
  const stop = (): void => stopGroup(child);
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    return await collect(child, program, options);
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

async function collect(child: ChildProcess, program: string, options: CommandOptions): Promise<CommandResult> {
  let stdout = "";
  const lines = (
    stream: unknown,
    onLine: ((line: string) => void) | undefined,
    log: boolean,
    capture: boolean,
  ): void => {
    if (stream === null || stream === undefined) return;
    const readable = stream as Readable;
    readable.setEncoding("utf8");
    let rest = "";
    readable.on("data", (text: string) => {
      if (capture && stdout.length < CAPTURE_LIMIT) stdout += text;
      if (log) options.log.write(text);
      if (onLine === undefined) return;
      const parts = (rest + text).split(/[\r\n]/);
      rest = (parts.pop() ?? "").slice(-4096);
      for (const part of parts) if (part !== "") onLine(part);
    });
  };
  lines(child.stdout, options.onLine, true, true);
  lines(child.stderr, options.onLine, true, false);
  lines(child.stdio[3], options.onStatusLine, false, false);

  const exit = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once("error", (error) => {
      reject(
        new SetupError("tool_missing", `cannot run ${program}: ${error.message}`, {
          remedy: `Install ${program} and run the same command again.`,
          cause: error,
        }),
      );
    });
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  if (options.signal?.aborted === true) throw interrupted();
  const accept = options.accept ?? [0];
  if (exit.code !== null && accept.includes(exit.code)) return { exitCode: exit.code, stdout };
  const how = exit.code === null ? `was ended by ${exit.signal ?? "a signal"}` : `failed with exit code ${exit.code}`;
  throw failure(`${program} ${how}`, options.log);
}

/** A failed command's error: what the log says of a full disk decides its code. */
function failure(message: string, log: BoundedLog): SetupError {
  const tail = log.tail();
  if (/No space left on device|Disk quota exceeded/i.test(tail)) {
    return new SetupError("disk_full", `the disk is full: ${message}`, {
      remedy: "Free some space, or point ZEROBOOT_HOME at another disk, and run the same command again.",
      log: log.path,
    });
  }
  return new SetupError("command_failed", `${message}; its last lines:\n${tail}`, {
    remedy: `The whole output is in ${log.path}.`,
    log: log.path,
  });
}

function stopGroup(child: ChildProcess): void {
  const pid = child.pid;
  if (pid === undefined) return;
  signalGroup(pid, "SIGINT");
  // Background jobs of a shell ignore SIGINT.
  const timers = [
    setTimeout(() => signalGroup(pid, "SIGTERM"), TERMINATE_AFTER_MS),
    setTimeout(() => signalGroup(pid, "SIGKILL"), KILL_AFTER_MS),
  ];
  child.once("close", () => timers.forEach(clearTimeout));
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // ESRCH: the group ended by itself.
  }
}

/**
 * The environment of build commands: reproducible (C locale, no user settings of compilers),
 * with `path` in place of PATH, and what reaching the network may need.
 */
export function buildEnvironment(path: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = [
    "HOME",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
  ];
  const env: NodeJS.ProcessEnv = { LC_ALL: "C", PATH: path };
  for (const name of kept) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...more };
}
