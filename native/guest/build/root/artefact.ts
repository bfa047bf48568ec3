import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AptRoot, type Fetched } from "../apt/root.js";
import type { BuildContext } from "../context.js";
import { digestParts, readTree, shortKey } from "../digest.js";
import { SetupError } from "../errors.js";
import { packageRoot } from "../home.js";
import { manifestPackages } from "../manifest.js";
import { type Progress, partOf } from "../progress.js";
import { ArtefactStore, freshDirectory, type StoredArtefact } from "../store.js";
import { ROOT_TOOLS } from "../tools/spec.js";
import { requireCompiler, type Toolchain, toolchain } from "../tools/toolchain.js";
import { precompile } from "./bytecode.js";
import { compileInto } from "./compile.js";
import { withoutDropped } from "./dropped.js";
import { packImage } from "./image.js";
import { findLibraries, requireClosure } from "./libraries.js";
import { loaderCache } from "./loader-cache.js";
import {
  addNpmFiles,
  type FetchedNpmPackage,
  fetchNpmPackages,
  npmManifestPackages,
  unpackNpmPackages,
} from "./npm.js";
import { addPreload, addUserFiles, makeRoom, ownInputs, unpackContainer, useInterpreter } from "./own.js";
import type { LoadedRecipe, Recipe } from "./recipe.js";
import { addOwnFiles, mergeUsr, normaliseModes, removeDanglingLinks, removeMatching } from "./tree.js";

/** Raise when the code below makes another image from the same recipe and packages. */
const ROOT_BUILD_VERSION = "1";
export const ROOT_IMAGE = "root.erofs";
/** Images of one template that are kept; older ones go when a new one is published. */
const KEPT_IMAGES = 3;

/** Digest of everything that determines a root image and is not a package. */
export async function rootRequest({ recipe, directories, own }: LoadedRecipe): Promise<string> {
  const sources = [
    ...Object.values(recipe.copy),
    ...recipe.compile.flatMap((step) => [...step.sources, ...step.include]),
  ];
  const tree = await readTree(packageRoot(), [...new Set([...(own === undefined ? directories : []), ...sources])]);
  const more = own === undefined ? {} : await ownInputs(recipe, own);
  return shortKey(digestParts({ ...tree, ...more, "build version": ROOT_BUILD_VERSION }));
}

/**
 * Make a template's root image. The caller holds its lock and has found it missing.
 * @throws SetupError
 */
export async function buildRoot(loaded: LoadedRecipe, request: string, context: BuildContext): Promise<StoredArtefact> {
  const { recipe } = loaded;
  const { layout } = context;
  const store = new ArtefactStore(layout.root);
  const compiler = await requireCompiler(context);
  const tools = await toolchain(ROOT_TOOLS, new AptRoot(context), context);
  const work = await freshDirectory(join(layout.work, `root-${recipe.name}`));
  const apt = new AptRoot({ ...context, progress: partOf(context.progress, 0, 0.4) });
  // What a recipe names it gets, whatever a recipe that it extends can do without.
  const dropped = recipe.drop.filter((name) => !recipe.packages.includes(name));
  const root = join(work, "tree");
  const headers = join(work, "headers");

  const interpreter = await unpackContainer(recipe, root, context);
  const packages =
    recipe.packages.length === 0
      ? []
      : await apt.use(
          recipe.packages,
          (all) => withoutDropped(all, dropped, loaded.own?.added ?? []),
          async (fetched) => {
            await unpackAll(fetched, root, apt, partOf(context.progress, 0.4, 0.6));
            return fetched.packages;
          },
        );
  const buildPackages =
    recipe.buildPackages.length === 0
      ? []
      : await apt.use(
          recipe.buildPackages,
          (all) => all.filter((of) => recipe.buildPackages.includes(of.name)),
          async (fetched) => {
            await unpackAll(fetched, headers, apt, partOf(context.progress, 0.6, 0.65));
            return fetched.packages;
          },
        );
  const npmPackages = await fetchNpmPackages(recipe.npmPackages, partContext(context, 0.55, 0.65));
  const key = shortKey(
    digestParts({
      request,
      compiler,
      tools: tools.fetched.join("\n"),
      packages: [...packages, ...buildPackages, ...npmPackages].map((of) => of.sha256).join("\n"),
    }),
  );
  const existing = await store.find(key);
  if (existing !== undefined) {
    await store.answer(request, key);
    await rm(work, { recursive: true, force: true });
    return existing;
  }

  await unpackNpmPackages(npmPackages, headers, context);
  await assemble(root, headers, loaded, npmPackages, tools, context);
  if (interpreter !== undefined) await useInterpreter(root, interpreter);
  if ((await rootRequest(loaded)) !== request) throw changedUnderway(recipe);
  context.progress.update(0.9, "packing the image");
  const output = await freshDirectory(join(work, "output"));
  await packImage(root, join(output, ROOT_IMAGE), tools.env, context, recipe.hugePages);
  const stored = await store.publish(output, {
    format: 1,
    kind: "root",
    key,
    request,
    title: recipe.name,
    builtAt: new Date().toISOString(),
    packages: [...manifestPackages([...packages, ...buildPackages]), ...npmManifestPackages(npmPackages)],
    compiler,
    fetchedTools: tools.fetched,
    symbols: {},
  });
  await rm(work, { recursive: true, force: true });
  const older = (await store.list()).filter((of) => of.manifest.title === recipe.name);
  for (const old of older.slice(KEPT_IMAGES)) await store.remove(old.manifest.key);
  return stored;
}

function partContext(context: BuildContext, from: number, to: number): BuildContext {
  return { ...context, progress: partOf(context.progress, from, to) };
}

/** An image must never be kept under the key of other sources than it was made from. */
function changedUnderway(recipe: Recipe): SetupError {
  return new SetupError("recipe_invalid", `the sources of ${recipe.name} changed while its image was built`, {
    remedy: "Run the same command again.",
  });
}

async function unpackAll(
  { packages, archives }: Fetched,
  into: string,
  apt: AptRoot,
  progress: Progress,
): Promise<void> {
  for (const [index, archive] of archives.entries()) {
    progress.update(index / archives.length, `unpacking ${packages[index]?.name ?? ""}`);
    await apt.unpack(archive, into);
  }
}

/** From unpacked packages to the tree a guest sees: what their install scripts would have done, and our own. */
async function assemble(
  root: string,
  headers: string,
  { recipe, own }: LoadedRecipe,
  npmPackages: readonly FetchedNpmPackage[],
  tools: Toolchain,
  context: BuildContext,
): Promise<void> {
  context.progress.update(0.6, "arranging files");
  await mergeUsr(root);
  await removeMatching(
    root,
    recipe.remove.filter((pattern) => !recipe.keep.includes(pattern)),
  );
  if (recipe.container !== undefined) await makeRoom(root, recipe);
  await addNpmFiles(npmPackages, headers, root);
  await addOwnFiles(root, recipe);
  if (own !== undefined) await addUserFiles(root, recipe, own);
  await addPreload(root, recipe);
  await removeDanglingLinks(root);
  context.progress.update(0.65, "compiling the agent");
  for (const step of recipe.compile) await compileInto({ root, headers, env: tools.env }, step, context);
  const libraries = await findLibraries(root);
  await requireClosure(root, libraries, recipe.unresolved);
  await writeFile(join(root, "etc/ld.so.cache"), loaderCache(libraries));
  context.progress.update(0.7, "precompiling Python");
  await precompile(root, recipe, context);
  await normaliseModes(root, recipe);
}
