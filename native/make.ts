/**
 * `node dist/native/make.js [--silent] [TARGET...]`: make in `native/`, with the host's make or, where it has none,
 * with Debian's out of our cache. Its exit code is make's.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { packageRoot, SetupError, TextProgress } from "./guest/build/index.js";
import { privateMake } from "./guest/build/tools/make.js";

/** Ours, and no exit code of make's. */
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
  const make = spawn("make", ["-C", native, `-j${availableParallelism()}`, ...args], {
    stdio: "inherit",
    env: await environment(),
  });
  stopping.signal.addEventListener("abort", () => make.kill());
  const [code] = (await once(make, "close")) as [number | null];
  const compiler = process.env.CXX ?? "g++";
  if (code !== 0 && !works(compiler)) {
    process.stderr.write(`a C++ compiler is needed (${compiler}). Install it with: sudo apt-get install g++\n`);
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
