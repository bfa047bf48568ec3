import { join } from "node:path";
import { systemPath } from "../apt/root.js";
import { buildEnvironment, run } from "../command.js";
import type { BuildContext } from "../context.js";
import type { Recipe } from "./recipe.js";

const LIBRARIES = ["usr/lib/x86_64-linux-gnu", "usr/lib"];

/**
 * Precompile the image's Python sources with its own interpreter, run here through its own loader.
 * The files are marked unchecked: the image is read-only, so a check of the source's time could
 * only cost a system call per import, or fail because the image carries no times.
 */
export async function precompile(root: string, recipe: Recipe, context: BuildContext): Promise<void> {
  const { bytecode } = recipe;
  if (bytecode === undefined) return;
  const libraryPath = LIBRARIES.map((path) => join(root, path)).join(":");
  const python = [
    "--library-path",
    libraryPath,
    join(root, bytecode.interpreter),
    // Isolated from the user's settings, without site and without writing elsewhere.
    "-I",
    "-S",
    "-B",
    "-m",
    "compileall",
    "-q",
    "-f",
    "--invalidation-mode",
    "unchecked-hash",
    // Tracebacks show the path in the guest.
    "-s",
    root,
    "-p",
    "/",
    ...bytecode.roots.map((path) => join(root, path)),
  ];
  await run(join(root, "usr/lib64/ld-linux-x86-64.so.2"), python, {
    env: buildEnvironment(systemPath(), { PYTHONHOME: join(root, "usr"), PYTHONHASHSEED: "0", SOURCE_DATE_EPOCH: "0" }),
    log: context.log,
    signal: context.signal,
    holdFd: context.holdFd,
  });
}
