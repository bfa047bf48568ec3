/** The user's own recipes: folders below `recipes` of the cache, by name. */
import { cp, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SetupError } from "./errors.js";
import type { HomeLayout } from "./home.js";
import { rootRequest } from "./root/artefact.js";
import { loadRecipe, RECIPE_FILE, recipeNames } from "./root/recipe.js";
import { ArtefactStore, freshDirectory } from "./store.js";

/** A recipe that is not among the user's own yet: its template is made first, so that none is listed that fails. */
export class StagedRecipe {
  readonly name: string;
  /** Holds the recipe. */
  readonly directory: string;
  readonly #layout: HomeLayout;

  private constructor(name: string, directory: string, layout: HomeLayout) {
    this.name = name;
    this.directory = directory;
    this.#layout = layout;
  }

  /**
   * @param value the recipe, unchecked
   * @param filesFrom folder of the files that it names
   * @throws SetupError `recipe_invalid`
   */
  static async create(
    layout: HomeLayout,
    name: string,
    value: Readonly<Record<string, unknown>>,
    filesFrom?: string,
  ): Promise<StagedRecipe> {
    const directory = await freshDirectory(join(layout.work, `recipe-${name}-${process.pid}`));
    const staged = new StagedRecipe(name, directory, layout);
    try {
      await writeFile(join(directory, RECIPE_FILE), `${JSON.stringify({ ...value, name }, null, 2)}\n`);
      const { recipe } = await loadRecipe(name, { directory: layout.recipes, staged: directory });
      const own = typeof value.files === "object" && value.files !== null ? Object.keys(value.files) : [];
      for (const path of own) await staged.#copy(recipe.files[path] ?? "", filesFrom);
      return staged;
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  /** Make it one of the user's own, in place of an earlier one of its name. */
  async publish(): Promise<void> {
    const place = join(this.#layout.recipes, this.name);
    await mkdir(this.#layout.recipes, { recursive: true });
    await rm(place, { recursive: true, force: true });
    await rename(this.directory, place);
  }

  /** Idempotent. */
  async discard(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  async #copy(source: string, from: string | undefined): Promise<void> {
    if (from === undefined) throw invalid("`files` are of a recipe's own folder, and this one has none");
    // Nor may the way there lead through a link.
    const parts = source.split("/");
    for (const depth of parts.slice(1).keys()) await requireDirectory(from, parts.slice(0, depth + 1).join("/"));
    await requirePlain(join(from, source), source);
    const target = join(this.directory, "files", source);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(from, source), target, { recursive: true });
  }
}

async function requireDirectory(from: string, path: string): Promise<void> {
  const status = await lstat(join(from, path)).catch(() => undefined);
  if (status?.isDirectory() !== true) throw invalid(`\`files\` goes through ${path}, which is no directory`);
}

/** Files and directories only: a link could lead anywhere. */
async function requirePlain(path: string, shown: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) throw invalid(`\`files\` names ${shown}, which is not there`);
  if (status.isDirectory()) {
    for (const name of await readdir(path)) await requirePlain(join(path, name), `${shown}/${name}`);
  } else if (!status.isFile()) {
    throw invalid(`\`files\` names ${shown}, which is neither a file nor a directory`);
  }
}

/** Whether the user has a recipe of this name. */
export async function isOwnRecipe(layout: HomeLayout, name: string): Promise<boolean> {
  // Else it could be a path to anywhere.
  if (!(await recipeNames({ directory: layout.recipes })).includes(name)) return false;
  return (await lstat(join(layout.recipes, name, RECIPE_FILE)).catch(() => undefined)) !== undefined;
}

/**
 * Remove a recipe of the user's own and the root images that were made of it alone.
 * @returns what was removed
 * @throws SetupError `recipe_invalid` while another recipe extends it
 */
export async function removeOwnRecipe(layout: HomeLayout, name: string): Promise<string[]> {
  const own = { directory: layout.recipes };
  const others = (await recipeNames(own)).filter((other) => other !== name);
  const store = new ArtefactStore(layout.root);
  const inUse = new Set<string | undefined>();
  for (const other of others) {
    if (await extendsRecipe(layout, other, name)) throw invalid(`the template ${other} is made from ${name}`);
    const request = await loadRecipe(other, own)
      .then(rootRequest)
      .catch(() => "");
    inUse.add((await store.findByRequest(request))?.manifest.key);
  }
  const removed = [join(layout.recipes, name)];
  await rm(join(layout.recipes, name), { recursive: true, force: true });
  for (const { manifest, directory } of await store.list()) {
    if (manifest.title !== name || inUse.has(manifest.key)) continue;
    await store.remove(manifest.key);
    removed.push(directory);
  }
  return removed;
}

async function extendsRecipe(layout: HomeLayout, name: string, other: string): Promise<boolean> {
  const text = await readFile(join(layout.recipes, name, RECIPE_FILE), "utf8").catch(() => "{}");
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "extends" in value && value.extends === other;
  } catch {
    return false;
  }
}

function invalid(message: string): SetupError {
  return new SetupError("recipe_invalid", message, { remedy: "Correct the recipe." });
}
