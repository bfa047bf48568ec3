import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../command.js";
import type { BuildContext } from "../context.js";
import { packageRoot } from "../home.js";
import type { CompileStep } from "./recipe.js";

const COMMON = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-ident", "-s", "-Wl,--build-id=none"];

/** Directories and environment of {@link compileInto}. */
export interface CompileTarget {
  /** The image's tree. */
  root: string;
  /** Where the recipe's build packages were unpacked. */
  headers: string;
  env: NodeJS.ProcessEnv;
}

/**
 * Compile one of the recipe's programs into the image.
 * @throws SetupError `command_failed`
 */
export async function compileInto(target: CompileTarget, step: CompileStep, context: BuildContext): Promise<void> {
  const source = packageRoot();
  const output = join(target.root, step.output);
  await mkdir(dirname(output), { recursive: true });
  const include = step.include.map((path) => `-I${join(source, path)}`);
  const kind =
    step.kind === "static-program"
      ? ["-static"]
      : ["-shared", "-fPIC", ...step.packageInclude.map((path) => `-isystem${join(target.headers, path)}`)];
  // Sources are named relative to the package, so that no path of this machine gets into the image.
  await run("gcc", [...COMMON, ...kind, ...step.flags, ...include, "-o", output, ...step.sources], {
    cwd: source,
    env: target.env,
    log: context.log,
    signal: context.signal,
    holdFd: context.holdFd,
  });
}
