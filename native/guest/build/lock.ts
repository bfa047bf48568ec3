import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileError, interrupted, SetupError, throwIfAborted } from "./errors.js";
import type { Progress } from "./progress.js";

/** Who holds a lock, as it says of itself. */
export interface LockOwner {
  pid: number;
  /** ISO 8601. */
  since: string;
  /** What it does, for people. */
  doing: string;
}

/** A lock held by this process. */
export interface HeldLock {
  /** For children that work on what the lock protects: while one has it open, the lock is held. */
  readonly fd: number;
}

export interface LockOptions {
  /** Directory of the lock files. */
  directory: string;
  /** Name of what is protected; letters, digits, `-`, `_` and `.`. */
  name: string;
  /** For those who wait. */
  doing: string;
  progress: Progress;
  signal?: AbortSignal | undefined;
}

/**
 * Run `body` while no other process holds the lock; wait for it if need be, saying for whom.
 *
 * The lock is flock(2) on a file that is never removed. The kernel releases it when the last
 * copy of the descriptor closes, so a builder killed with SIGKILL frees it at once, a recycled
 * process id cannot be mistaken for a builder, and there is no stale file to take over, with the
 * race that brings. Node has no flock: util-linux's `flock` (Essential on Debian) locks the open
 * file description we hand it, which is ours too and stays locked when that helper exits.
 *
 * @throws SetupError `lock_failed`, `interrupted`, and whatever `body` throws
 */
export async function withLock<T>(options: LockOptions, body: (lock: HeldLock) => Promise<T>): Promise<T> {
  throwIfAborted(options.signal);
  const fd = openLock(options);
  try {
    if (!(await flock(fd, ["--exclusive", "--nonblock"], options.signal))) {
      options.progress.note(`waiting for ${describeOwner(readOwner(options))}`);
      await flock(fd, ["--exclusive"], options.signal);
    }
    writeOwner(fd, options.doing);
    return await body({ fd });
  } finally {
    closeSync(fd);
  }
}

/**
 * As {@link withLock}, but does nothing when the lock is held by another.
 * @returns whether `body` ran
 */
export async function tryLock(options: LockOptions, body: (lock: HeldLock) => Promise<void>): Promise<boolean> {
  const fd = openLock(options);
  try {
    if (!(await flock(fd, ["--exclusive", "--nonblock"], options.signal))) return false;
    writeOwner(fd, options.doing);
    await body({ fd });
    return true;
  } finally {
    closeSync(fd);
  }
}

function lockPath(options: LockOptions): string {
  if (!/^[A-Za-z0-9._-]+$/.test(options.name)) throw new TypeError(`not a lock name: ${options.name}`);
  return join(options.directory, `${options.name}.lock`);
}

function openLock(options: LockOptions): number {
  try {
    mkdirSync(options.directory, { recursive: true });
    return openSync(lockPath(options), "a+", 0o644);
  } catch (error) {
    throw fileError(error, `opening the lock ${options.name}`);
  }
}

/** @returns false when `--nonblock` finds it held */
async function flock(fd: number, args: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
  throwIfAborted(signal);
  const child = spawn("flock", [...args, "3"], { stdio: ["ignore", "ignore", "ignore", fd] });
  const stop = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const code = await ended(child);
    if (signal?.aborted === true) throw interrupted();
    if (code === 0) return true;
    if (code === 1) return false;
    throw new SetupError("lock_failed", `flock ended with code ${code ?? "none"}`, {
      remedy: "The file system of ZEROBOOT_HOME must support file locks; point it at a local disk.",
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("close", (code) => resolve(code));
    child.once("error", (error) =>
      reject(
        new SetupError("tool_missing", `cannot run flock: ${error.message}`, {
          remedy: "Install util-linux and run the same command again.",
          cause: error,
        }),
      ),
    );
  });
}

function writeOwner(fd: number, doing: string): void {
  const owner: LockOwner = { pid: process.pid, since: new Date().toISOString(), doing };
  ftruncateSync(fd, 0);
  writeSync(fd, `${JSON.stringify(owner)}\n`);
}

function readOwner(options: LockOptions): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(lockPath(options), "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { pid, since, doing } = value as Partial<LockOwner>;
    if (typeof pid !== "number" || typeof since !== "string" || typeof doing !== "string") return undefined;
    return { pid, since, doing };
  } catch {
    return undefined;
  }
}

/** `process 4711, which has been building the guest kernel since 10:15:02`. */
export function describeOwner(owner: LockOwner | undefined): string {
  if (owner === undefined) return "another process";
  const time = new Date(owner.since);
  const since = Number.isNaN(time.getTime()) ? "" : ` since ${time.toTimeString().slice(0, 8)}`;
  return `process ${owner.pid}, which has been ${owner.doing}${since}`;
}
