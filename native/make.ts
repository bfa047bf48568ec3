/**
 * `tsx native/make.ts [--silent] [TARGET...]`: make in `native/`, with the host's make or, where it has none, with
 * Debian's out of our cache. Its exit code is make's, 128 and the signal's number where that ended it, or 125.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, constants } from "node:os";
import { join } from "node:path";
import { throwIfAborted } from "./guest/build/errors.js";
import { packageRoot, SetupError, TextProgress } from "./guest/build/index.js";
import { privateMake } from "./guest/build/tools/make.js";

/** Make could not be had. */
const FAILED = 125;

const stopping = new AbortController();
// We end when make has: it removes half-written targets.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stopping.abort());

function works(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** @throws SetupError when make can neither be found nor fetched */
async function environment(): Promise<NodeJS.ProcessEnv> {
  if (works("make")) return process.env;
  const progress = new TextProgress(process.stderr);
  process.stderr.write("make is not installed: using Debian's, without installing it\n");
  const { env } = await privateMake(progress, stopping.signal);
  return { ...process.env, PATH: env.PATH };
}

async function main(args: readonly string[]): Promise<number> {
  const native = join(packageRoot(), "native");
  const env = await environment();
  throwIfAborted(stopping.signal);
  const make = spawn("make", ["-C", native, `-j${availableParallelism()}`, ...args], { stdio: "inherit", env });
  stopping.signal.addEventListener("abort", () => make.kill());
  const [code, signal] = (await once(make, "close")) as [number | null, NodeJS.Signals | null];
  if (signal !== null) return 128 + constants.signals[signal];
  if (code !== 0 && process.env.CXX === undefined && !works("g++")) {
    process.stderr.write("a C++ compiler is needed. Install it with: sudo apt-get install g++\n");
  }
  return code ?? FAILED;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n${error.remedy}\n`);
  process.exitCode = FAILED;
}
