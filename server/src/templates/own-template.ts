import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { type HomeLayout, isBuiltIn, recipeNames, StagedRecipe } from "../../../native/guest/build/index.js";
import { ServerError } from "../errors.js";

/** What a template of the user's own is made of. */
export interface OwnTemplate {
  readonly name: string;
  /** A template, a directory, a tar or a recipe's file. @default "python" */
  readonly from?: string | undefined;
  /** Debian packages beside those of `from`. */
  readonly packages: readonly string[];
  /** Code that runs in the template before it is frozen. */
  readonly preload?: string | undefined;
  /** For it to end, seconds. */
  readonly preloadSeconds?: number | undefined;
  /** Guest memory, MiB. */
  readonly memoryMb?: number | undefined;
}

type Value = Readonly<Record<string, unknown>>;

/** Whose agent is put into a container. */
const RUNTIME = "python";
const MEBI = 1024 * 1024;

/**
 * Write the recipe of a template of the user's own, to be published when its template has been made.
 * @throws ServerError `config_invalid`; SetupError `recipe_invalid`
 */
export async function stageOwnTemplate(layout: HomeLayout, own: OwnTemplate): Promise<StagedRecipe> {
  const { name } = own;
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new ServerError(
      "config_invalid",
      `--name: expected small letters, digits and -, not ${JSON.stringify(name)}`,
    );
  }
  if (await isBuiltIn(name)) {
    throw new ServerError("config_invalid", `--name: the template ${name} comes with the program`, {
      remedy: "Choose another name.",
    });
  }
  const { value, folder } = await readSource(layout, own);
  return StagedRecipe.create(layout, name, withAdditions(value, own), folder);
}

/** The recipe that `from` stands for, and the folder of its files. */
async function readSource(
  layout: HomeLayout,
  { name, from = RUNTIME }: OwnTemplate,
): Promise<{ readonly value: Value; readonly folder?: string }> {
  const known = await recipeNames({ directory: layout.recipes });
  if (known.includes(from)) {
    if (from === name) throw new ServerError("config_invalid", `--from: ${name} cannot be made from itself`);
    return { value: { extends: from, title: `${from}, with additions` } };
  }
  const path = resolve(from);
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) {
    throw new ServerError("config_invalid", `--from: there is no template, directory or file ${JSON.stringify(from)}`, {
      remedy: `Templates that can be made: ${known.join(", ")}.`,
    });
  }
  if (status.isFile() && path.endsWith(".json")) return { value: await readRecipeFile(path), folder: dirname(path) };
  const kind = status.isDirectory() ? "directory" : "tar";
  const diskMb = kind === "tar" ? Math.max(500, Math.ceil((status.size * 6) / MEBI)) : 2000;
  const value = {
    extends: RUNTIME,
    title: `the file system of a container`,
    container: { kind, path },
    cost: { downloadMb: 10, seconds: 60, diskMb },
  };
  return { value };
}

async function readRecipeFile(path: string): Promise<Value> {
  const value: unknown = await readFile(path, "utf8")
    .then((text): unknown => JSON.parse(text))
    .catch((cause: unknown) => {
      throw new ServerError("config_invalid", `--from: ${path} is not JSON`, { cause });
    });
  if (!isRecord(value)) throw new ServerError("config_invalid", `--from: ${path} holds no recipe`);
  const { container } = value;
  // A path in a recipe is relative to its folder.
  if (!isRecord(container) || typeof container.path !== "string" || isAbsolute(container.path)) return value;
  return { ...value, container: { ...container, path: resolve(dirname(path), container.path) } };
}

function withAdditions(value: Value, { packages, preload, preloadSeconds, memoryMb }: OwnTemplate): Value {
  const before = Array.isArray(value.packages) ? value.packages : [];
  const template = {
    ...(isRecord(value.template) ? value.template : {}),
    ...(memoryMb === undefined ? {} : { memoryMb }),
    ...(preload === undefined ? {} : { preload }),
    ...(preloadSeconds === undefined ? {} : { preloadSeconds }),
  };
  return { ...value, packages: [...before, ...packages], template };
}

function isRecord(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
