import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SetupError, systemCode } from "../errors.js";
import { packageRoot } from "../home.js";
import { extendRecipe } from "./extend.js";
import { runtimeOf } from "./runtime-of.js";

/** A path inside the image or the source tree: relative, normal, and never out of it. */
const relativePath = z
  .string()
  .min(1)
  .max(512)
  .refine(
    (path) => !path.startsWith("/") && !path.split("/").some((part) => part === ".." || part === "." || part === ""),
    {
      message: "must be a relative path without empty, `.` or `..` parts",
    },
  );
const recipeName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);
const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be a Debian package name");
const globPattern = relativePath;

/** A package of the npm registry, taken through the user's own npm and checked against what is written here. */
const npmPackage = z.strictObject({
  name: z.string().regex(/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/, "must be an npm package name"),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "must be one exact version"),
  /** Of its archive, as the registry states it. */
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/, "must be a sha512 integrity"),
  /** Its files by their path in the image. A directory is copied whole. */
  files: z.record(relativePath, relativePath).default({}),
});

const compileStep = z.discriminatedUnion("kind", [
  z.strictObject({
    /** A static program that needs nothing of the guest. */
    kind: z.literal("static-program"),
    sources: z.array(relativePath).min(1),
    include: z.array(relativePath).default([]),
    flags: z.array(z.string()).default([]),
    output: relativePath,
  }),
  z.strictObject({
    /**
     * A shared object, of C and C++ sources (`.cc`). `packageInclude` is relative to where `buildPackages` are
     * unpacked; the npm package NAME lies at `npm/NAME` there.
     */
    kind: z.literal("shared-object"),
    sources: z.array(relativePath).min(1),
    include: z.array(relativePath).default([]),
    packageInclude: z.array(relativePath).default([]),
    flags: z.array(z.string()).default([]),
    output: relativePath,
  }),
]);

/** Characters. */
const MAX_PRELOAD = 65_536;

const recipeSchema = z
  .strictObject({
    name: recipeName,
    /** The recipe this one adds to, as extend.ts says: the fields here are those of both. */
    extends: recipeName.optional(),
    /** For people: what a guest made from it has. */
    title: z.string().min(1).max(100),
    /** Packages the guest's user may count on; their dependencies come along, recommended ones do not. */
    packages: z.array(packageName),
    /**
     * A container's file system, outside the package, that the image is made of; of the recipe that this one extends
     * only the agent is taken.
     */
    container: z.strictObject({ kind: z.enum(["directory", "tar"]), path: z.string().startsWith("/") }).optional(),
    /** Dependencies that only installing or configuring packages needs. */
    drop: z.array(packageName).default([]),
    /** Packages unpacked beside the image for `compile`, never into it. Without their dependencies. */
    buildPackages: z.array(packageName).default([]),
    npmPackages: z.array(npmPackage).default([]),
    /** Patterns of what no guest needs: `*` within a name, `**` across directories. */
    remove: z.array(globPattern).default([]),
    /** Of the patterns in `remove`, which are those of both: these are not removed after all. */
    keep: z.array(globPattern).default([]),
    /** Symbolic links by path: what the packages' own scripts would have made. */
    links: z.record(relativePath, z.string().min(1)).default({}),
    /** Directories by path, with their octal mode: mount points and the like. */
    directories: z.record(relativePath, z.string().regex(/^[0-7]{3,4}$/)).default({}),
    /** Files of the source tree by their path in the image. A directory is copied whole. */
    copy: z.record(relativePath, relativePath).default({}),
    /** The same for files of the recipe's own folder, below its `files`: of recipes outside the source tree. */
    files: z.record(relativePath, relativePath).default({}),
    compile: z.array(compileStep).default([]),
    /** Precompile Python sources below `roots` with the image's own interpreter. */
    bytecode: z.strictObject({ interpreter: relativePath, roots: z.array(relativePath).min(1) }).optional(),
    /** The runtime's program: a guest maps its code in huge pages, if it was not linked for other addresses. */
    hugePages: relativePath.optional(),
    /** Shared objects that need not find all their libraries in the image. */
    unresolved: z.array(globPattern).default([]),
    template: z.strictObject({
      /** Guest memory, MiB. */
      memoryMb: z.number().int().min(64).max(3072),
      /** Cells that record the working set of a fork; run in a scratch fork only. */
      warmupCells: z.array(z.string()).default([]),
      /** Run as a cell in the template itself before it is frozen: every fork begins with what it made. */
      preload: z.string().min(1).max(MAX_PRELOAD).optional(),
      /** For `preload` to end, seconds. */
      preloadSeconds: z.number().int().min(1).max(600).default(300),
    }),
    /** What making it costs, for the plan: measured on two cores. */
    cost: z.strictObject({
      downloadMb: z.number().positive(),
      seconds: z.number().positive(),
      diskMb: z.number().positive(),
    }),
  })
  .refine(({ packages, container }) => packages.length > 0 || container !== undefined, {
    path: ["packages"],
    message: "must name a package, as there is no container",
  })
  .refine(({ hugePages, container }) => hugePages === undefined || container === undefined, {
    path: ["hugePages"],
    message: "must be a file of packages, not of a container",
  })
  .refine(({ keep, remove }) => keep.every((pattern) => remove.includes(pattern)), {
    path: ["keep"],
    message: "must be patterns that `remove` has",
  });

/** What has to be right before a recipe can be put together with those it extends. */
const recipeHead = z.object({
  name: recipeName,
  extends: recipeName.optional(),
  packages: z.array(packageName).optional(),
  container: z.unknown().optional(),
});

export const RECIPE_FILE = "recipe.json";

/** How a template's root image is made, and what the template then needs. */
export type Recipe = z.infer<typeof recipeSchema>;
export type NpmPackage = z.infer<typeof npmPackage>;
export type CompileStep = z.infer<typeof compileStep>;

/**
 * A recipe that is whole in itself, or with `base`, which it extends.
 * @throws SetupError `recipe_invalid`, saying where
 */
export function parseRecipe(text: string, origin: string, base?: unknown): Recipe {
  return checkRecipe(extendRecipe(base, parseJson(text, origin)), origin);
}

/** A recipe and where it came from, which is part of the image's key. */
export interface LoadedRecipe {
  recipe: Recipe;
  /** Those of the source tree, its own and of the recipes it extends, relative to the package root. */
  directories: readonly string[];
  /** Of a recipe that is not in the source tree. */
  own?: OwnPart | undefined;
}

/** What recipes outside the source tree bring along. */
export interface OwnPart {
  /** Absolute; its own and those of the recipes it extends. */
  directories: readonly string[];
  /** Packages that come to those of the recipe in the source tree. */
  added: readonly string[];
}

/** Where recipes outside the source tree are. */
export interface OwnRecipes {
  /** Holds a folder for each, by name. Absolute. */
  readonly directory: string;
  /** The folder of the recipe that is asked for, in place of the one of its name. */
  readonly staged?: string;
}

/**
 * The recipe of a template: one of the source tree, or one of the user's own.
 * @throws SetupError `recipe_invalid` for an unknown template or a malformed recipe
 */
export async function loadRecipe(template: string, own?: OwnRecipes): Promise<LoadedRecipe> {
  const { value, directories, ...rest } = await readRecipe(template, [], own);
  const recipe = checkRecipe(value, `the recipe ${template}`);
  if (rest.own.directories.length > 0) return { recipe, directories, own: rest.own };
  if (recipe.container !== undefined || Object.keys(recipe.files).length > 0) {
    throw invalid(`the recipe ${template} is in the source tree and takes files from outside`);
  }
  return { recipe, directories };
}

interface ReadRecipe {
  readonly value: unknown;
  readonly directories: readonly string[];
  readonly own: OwnPart;
}

/** A recipe with those it extends, unchecked but for their names. `extending`: the recipes that led here. */
async function readRecipe(
  name: string,
  extending: readonly string[],
  own: OwnRecipes | undefined,
): Promise<ReadRecipe> {
  if (extending.includes(name)) throw invalid(`recipes extend each other: ${[...extending, name].join(", ")}`);
  if (!recipeName.safeParse(name).success) throw await unknown(name, own);
  const place = await findRecipe(name, own);
  if (place === undefined) throw await unknown(name, own);
  const value = parseJson(place.text, `the recipe ${name}`);
  const head = recipeHead.safeParse(value);
  if (!head.success) throw invalid(`the recipe ${name}: ${z.prettifyError(head.error)}`);
  if (head.data.name !== name) throw invalid(`the recipe of ${name} is named ${head.data.name}`);
  const { packages = [], container } = head.data;
  const directories = place.isOwn ? [] : [place.directory];
  const ownDirectories = place.isOwn ? [place.directory] : [];
  if (head.data.extends === undefined) {
    return { value, directories, own: { directories: ownDirectories, added: [] } };
  }
  const other = own === undefined ? undefined : { directory: own.directory };
  const base = await readRecipe(head.data.extends, [...extending, name], other);
  return {
    value: extendRecipe(container === undefined ? base.value : runtimeOf(base.value), value),
    directories: [...directories, ...base.directories],
    own: {
      directories: [...ownDirectories, ...base.own.directories],
      added: [...(place.isOwn ? packages : []), ...base.own.added],
    },
  };
}

/** The text of a recipe. Those of the source tree come first: nobody's own takes the place of one. */
async function findRecipe(
  name: string,
  own: OwnRecipes | undefined,
): Promise<{ readonly text: string; readonly directory: string; readonly isOwn: boolean } | undefined> {
  const places = [
    { path: join(packageRoot(), directoryOf(name)), directory: directoryOf(name), isOwn: false },
    ...(own === undefined ? [] : [own.staged ?? join(own.directory, name)]).map((directory) => ({
      path: directory,
      directory,
      isOwn: true,
    })),
  ];
  for (const { path, directory, isOwn } of places) {
    const text = await readFile(join(path, RECIPE_FILE), "utf8").catch((error: unknown) => error);
    if (typeof text === "string") return { text, directory, isOwn };
    if (systemCode(text) !== "ENOENT") throw text;
  }
  return undefined;
}

function directoryOf(name: string): string {
  return `native/guest/recipes/${name}`;
}

function checkRecipe(value: unknown, origin: string): Recipe {
  const result = recipeSchema.safeParse(value);
  if (!result.success) throw invalid(`${origin}: ${z.prettifyError(result.error)}`);
  return result.data;
}

function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${origin} is not JSON: ${String(error)}`);
  }
}

/** Names of the templates that can be built, those of the source tree first. */
export async function recipeNames(own?: OwnRecipes): Promise<string[]> {
  const built = await namesIn(join(packageRoot(), "native/guest/recipes"));
  const others = own === undefined ? [] : await namesIn(own.directory);
  return [...built, ...others.filter((name) => !built.includes(name))];
}

/** Whether a name is taken by a recipe of the source tree. */
export async function isBuiltIn(name: string): Promise<boolean> {
  return (await recipeNames()).includes(name);
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory() && recipeName.safeParse(entry.name).success)
    .map((entry) => entry.name)
    .sort();
}

function invalid(message: string): SetupError {
  return new SetupError("recipe_invalid", message, { remedy: "Correct the recipe, or install the package again." });
}

async function unknown(template: string, own: OwnRecipes | undefined): Promise<SetupError> {
  const known = (await recipeNames(own)).join(", ");
  return new SetupError("recipe_invalid", `unknown template ${JSON.stringify(template)}`, {
    remedy: `Templates that can be built: ${known}.`,
  });
}
