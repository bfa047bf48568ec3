import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SetupError, systemCode } from "../errors.js";
import { packageRoot } from "../home.js";
import { extendRecipe } from "./extend.js";

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
    /** A shared object compiled against the headers of `buildPackages`; `include` of the image's kind is relative to them. */
    kind: z.literal("shared-object"),
    sources: z.array(relativePath).min(1),
    include: z.array(relativePath).default([]),
    packageInclude: z.array(relativePath).default([]),
    flags: z.array(z.string()).default([]),
    output: relativePath,
  }),
]);

const recipeSchema = z.strictObject({
  name: recipeName,
  /** The recipe this one adds to, as extend.ts says: the fields here are those of both. */
  extends: recipeName.optional(),
  /** For people: what a guest made from it has. */
  title: z.string().min(1).max(100),
  /** Packages the guest's user may count on; their dependencies come along, recommended ones do not. */
  packages: z.array(packageName).min(1),
  /** Dependencies that only installing or configuring packages needs. */
  drop: z.array(packageName).default([]),
  /** Packages unpacked beside the image for `compile`, never into it. Without their dependencies. */
  buildPackages: z.array(packageName).default([]),
  /** Patterns of what no guest needs: `*` within a name, `**` across directories. */
  remove: z.array(globPattern).default([]),
  /** Symbolic links by path: what the packages' own scripts would have made. */
  links: z.record(relativePath, z.string().min(1)).default({}),
  /** Directories by path, with their octal mode: mount points and the like. */
  directories: z.record(relativePath, z.string().regex(/^[0-7]{3,4}$/)).default({}),
  /** Files of the source tree by their path in the image. A directory is copied whole. */
  copy: z.record(relativePath, relativePath).default({}),
  compile: z.array(compileStep).default([]),
  /** Precompile Python sources below `roots` with the image's own interpreter. */
  bytecode: z.strictObject({ interpreter: relativePath, roots: z.array(relativePath).min(1) }).optional(),
  /** Shared objects that need not find all their libraries in the image. */
  unresolved: z.array(globPattern).default([]),
  template: z.strictObject({
    /** Guest memory, MiB. */
    memoryMb: z.number().int().min(64).max(3072),
    /** Cells that record the working set of a fork; run in a scratch fork only. */
    warmupCells: z.array(z.string()).default([]),
  }),
  /** What making it costs, for the plan: measured on two cores. */
  cost: z.strictObject({
    downloadMb: z.number().positive(),
    seconds: z.number().positive(),
    diskMb: z.number().positive(),
  }),
});

/** What has to be right before a recipe can be put together with those it extends. */
const recipeHead = z.object({ name: recipeName, extends: recipeName.optional() });

/** How a template's root image is made, and what the template then needs. */
export type Recipe = z.infer<typeof recipeSchema>;
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
  /** Its own and those of the recipes it extends, relative to the package root. */
  directories: readonly string[];
}

/**
 * The recipe of a template.
 * @throws SetupError `recipe_invalid` for an unknown template or a malformed recipe
 */
export async function loadRecipe(template: string): Promise<LoadedRecipe> {
  const { value, directories } = await readRecipe(template, []);
  return { recipe: checkRecipe(value, `${directoryOf(template)}/recipe.json`), directories };
}

/** A recipe with those it extends, unchecked but for their names. `extending`: the recipes that led here. */
async function readRecipe(
  name: string,
  extending: readonly string[],
): Promise<{ value: unknown; directories: readonly string[] }> {
  if (extending.includes(name)) throw invalid(`recipes extend each other: ${[...extending, name].join(", ")}`);
  if (!recipeName.safeParse(name).success) throw await unknown(name);
  const directory = directoryOf(name);
  const text = await readFile(join(packageRoot(), directory, "recipe.json"), "utf8").catch((error: unknown) => error);
  if (typeof text !== "string") throw systemCode(text) === "ENOENT" ? await unknown(name) : text;
  const value = parseJson(text, `${directory}/recipe.json`);
  const head = recipeHead.safeParse(value);
  if (!head.success) throw invalid(`${directory}/recipe.json: ${z.prettifyError(head.error)}`);
  if (head.data.name !== name) throw invalid(`${directory}/recipe.json is named ${head.data.name}`);
  if (head.data.extends === undefined) return { value, directories: [directory] };
  const base = await readRecipe(head.data.extends, [...extending, name]);
  return { value: extendRecipe(base.value, value), directories: [directory, ...base.directories] };
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

/** Names of the templates that can be built. */
export async function recipeNames(): Promise<string[]> {
  const entries = await readdir(join(packageRoot(), "native/guest/recipes"), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function invalid(message: string): SetupError {
  return new SetupError("recipe_invalid", message, { remedy: "Correct the recipe, or install the package again." });
}

async function unknown(template: string): Promise<SetupError> {
  const known = (await recipeNames()).join(", ");
  return new SetupError("recipe_invalid", `unknown template ${JSON.stringify(template)}`, {
    remedy: `Templates that can be built: ${known}.`,
  });
}
