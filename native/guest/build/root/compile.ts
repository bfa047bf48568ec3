import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "../command.js";
import type { BuildContext } from "../context.js";
import { packageRoot } from "../home.js";
import { freshDirectory } from "../store.js";
import type { CompileStep } from "./recipe.js";

const COMMON = ["-O2", "-Wall", "-Wextra", "-Werror", "-fno-ident", "-s", "-Wl,--build-id=none"];
const C = ["-std=gnu11", ...COMMON];
const CPP = ["-std=gnu++20", ...COMMON];

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
      : [
          "-shared",
          "-fPIC",
          "-Wl,-z,now",
          ...step.packageInclude.map((path) => `-isystem${join(target.headers, path)}`),
        ];
  // Sources are named relative to the package, so that no path of this machine gets into the image.
  const compile = (program: string, args: readonly string[]): Promise<unknown> =>
    run(program, args, {
      cwd: source,
      env: target.env,
      log: context.log,
      signal: context.signal,
      holdFd: context.holdFd,
    });
  const flags = [...kind, ...step.flags, ...include];
  const cpp = step.sources.filter((path) => path.endsWith(".cc"));
  if (cpp.length === 0) {
    await compile("gcc", [...C, ...flags, "-o", output, ...step.sources]);
    return;
  }
  const objects = await freshDirectory(`${target.headers}-objects`);
  const made: string[] = [];
  for (const path of step.sources) {
    const object = join(objects, `${basename(path)}.o`);
    const [program, language] = path.endsWith(".cc") ? (["g++", CPP] as const) : (["gcc", C] as const);
    await compile(program, [...language, ...flags, "-c", "-o", object, path]);
    made.push(object);
  }
  await compile("g++", [...CPP, ...flags, "-o", output, ...made]);
  await rm(objects, { recursive: true, force: true });
}
