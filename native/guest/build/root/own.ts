/** What a recipe outside the source tree brings into its image beside packages. */
import { cp, lstat, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findPython } from "../container/interpreter.js";
import { digestDirectory, sourceDigest } from "../container/source.js";
import { copyDirectory, unpackTar } from "../container/unpack.js";
import { unusable } from "../container/unusable.js";
import type { BuildContext } from "../context.js";
import { digestFile } from "../digest.js";
import { SetupError, systemCode } from "../errors.js";
import { partOf } from "../progress.js";
import type { OwnPart, Recipe } from "./recipe.js";

const FILES = "files";
const NOTE = "container.json";
const AGENT = "usr/lib/zeroboot";
/** Read by every agent before it says that it is ready. */
const PRELOAD = `${AGENT}/preload`;
const PRELOAD_SECONDS = `${AGENT}/preload-seconds`;

/** What an image depends on, by name: the recipe, without what only the template is made of, and its files. */
export async function ownInputs(recipe: Recipe, own: OwnPart): Promise<Record<string, string>> {
  const { name: _name, title: _title, cost: _cost, template, ...image } = recipe;
  const { preload, preloadSeconds } = template;
  const directory = own.directories[0];
  if (directory === undefined) throw new TypeError("a recipe of the user's own without a folder");
  const parts: Record<string, string> = { recipe: JSON.stringify({ ...image, preload, preloadSeconds }) };
  for (const source of Object.values(recipe.files)) {
    const { path, isDirectory } = await findFile(own, source);
    parts[`file ${source}`] = isDirectory ? await digestDirectory(path) : await digestFile(path);
  }
  if (recipe.container !== undefined) {
    const digest = await sourceDigest(recipe.container, join(directory, NOTE));
    if (digest === undefined) throw gone(recipe.container.path);
    parts.container = digest;
  }
  return parts;
}

/**
 * Make the container, if the recipe has one, the beginning of the image.
 * @returns the interpreter in it that is to run the agent
 * @throws SetupError `container_invalid`
 */
export async function unpackContainer(
  { container }: Recipe,
  root: string,
  context: BuildContext,
): Promise<string | undefined> {
  if (container === undefined) return undefined;
  if ((await lstat(container.path).catch(() => undefined)) === undefined) throw gone(container.path);
  const options = { progress: partOf(context.progress, 0, 0.4), signal: context.signal };
  try {
    if (container.kind === "tar") await unpackTar(container.path, root, options);
    else await copyDirectory(container.path, root, options);
  } catch (error) {
    // A file of the container's, not one of the cache.
    const isDenied = systemCode(error) === "EACCES" || systemCode(error) === "EPERM";
    if (isDenied && error instanceof Error && error.message.includes(`'${container.path}`)) {
      throw unusable(`a file of the container cannot be read: ${error.message}`, error);
    }
    throw error;
  }
  return findPython(root);
}

/** Remove what is ours to write: through a link of the container's it would get somewhere else in it. */
export async function makeRoom(root: string, recipe: Recipe): Promise<void> {
  const ours = [AGENT, ...recipe.compile.map((step) => step.output), ...Object.keys(recipe.copy)];
  for (const path of ours) await rm(join(root, path), { recursive: true, force: true });
}

/** Let the container's interpreter run the agent. */
export async function useInterpreter(root: string, interpreter: string): Promise<void> {
  const start = join(root, AGENT, "start");
  const text = await readFile(start, "utf8");
  await writeFile(start, text.replace(/^#!\S+/, `#!/${interpreter}`));
}

/** Files of the recipe's own folder. */
export async function addUserFiles(root: string, recipe: Recipe, own: OwnPart): Promise<void> {
  for (const [path, source] of Object.entries(recipe.files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await cp((await findFile(own, source)).path, target, {
      recursive: true,
      force: true,
      verbatimSymlinks: true,
    });
  }
}

/** What the agent runs before the template is frozen. */
export async function addPreload(root: string, { template }: Recipe): Promise<void> {
  if (template.preload === undefined) return;
  await mkdir(join(root, AGENT), { recursive: true });
  await writeFile(join(root, PRELOAD), template.preload);
  await writeFile(join(root, PRELOAD_SECONDS), `${template.preloadSeconds}\n`);
}

async function findFile(
  own: OwnPart,
  source: string,
): Promise<{ readonly path: string; readonly isDirectory: boolean }> {
  for (const directory of own.directories) {
    const path = join(directory, FILES, source);
    const status = await lstat(path).catch(() => undefined);
    if (status !== undefined) return { path, isDirectory: status.isDirectory() };
  }
  throw new SetupError("recipe_invalid", `the recipe names the file ${source}, which is not there`, {
    remedy: "Paths in `files` are relative to the recipe's folder.",
  });
}

function gone(path: string): SetupError {
  return unusable(`${path}, of which the template is made, is not there any more`);
}
