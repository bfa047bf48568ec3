import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./errors.js";

/** Where everything that is built or fetched lives: `$ZEROBOOT_HOME`, or `~/.cache/zeroboot`. */
export function defaultHome(environment: NodeJS.ProcessEnv = process.env): string {
  const explicit = environment.ZEROBOOT_HOME;
  if (explicit !== undefined && explicit !== "") {
    if (!isAbsolute(explicit)) {
      throw new SetupError("home_unusable", `ZEROBOOT_HOME must be an absolute path, not ${explicit}`, {
        remedy: "Set ZEROBOOT_HOME to an absolute path, or unset it.",
      });
    }
    return explicit;
  }
  const cache = environment.XDG_CACHE_HOME;
  return join(cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), ".cache"), "zeroboot");
}

/** The directories of a cache. Only `kernel`, `root`, `tools` and `templates` hold finished artefacts. */
export interface HomeLayout {
  readonly home: string;
  readonly apt: string;
  readonly kernel: string;
  readonly locks: string;
  readonly log: string;
  readonly npm: string;
  /** The user's own recipes. */
  readonly recipes: string;
  readonly root: string;
  readonly templates: string;
  readonly tools: string;
  /** Unfinished work, on the same file system as the artefacts, so that finishing is one rename. */
  readonly work: string;
}

/**
 * @param home absolute path of the cache directory; it need not exist
 * @throws SetupError `home_unusable` for a path the kernel's build or apt cannot work in
 */
export function homeLayout(home: string): HomeLayout {
  if (!isAbsolute(home) || UNUSABLE_IN_PATH.test(home)) {
    throw new SetupError("home_unusable", `cannot build below ${JSON.stringify(home)}`, {
      remedy: "Set ZEROBOOT_HOME to an absolute path without spaces, colons, quotes, `$`, `#`, `%` or `\\`.",
    });
  }
  return {
    home,
    apt: join(home, "apt"),
    kernel: join(home, "kernel"),
    locks: join(home, "locks"),
    log: join(home, "log"),
    npm: join(home, "npm"),
    recipes: join(home, "recipes"),
    root: join(home, "root"),
    templates: join(home, "templates"),
    tools: join(home, "tools"),
    work: join(home, "work"),
  };
}

/** Make splits words and expands variables, apt ends strings and escapes; neither can be told otherwise. */
const UNUSABLE_IN_PATH = /[\s:;"'`$#%\\*?[\]{}<>|&()]/;

let cachedRoot: string | undefined;

/**
 * The directory that holds `native/guest` with its sources: this file may run from the sources
 * or from a build output directory beside them.
 */
export function packageRoot(): string {
  if (cachedRoot !== undefined) return cachedRoot;
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(join(directory, "native/guest/kernel/guest.config"))) {
      cachedRoot = directory;
      return directory;
    }
    const parent = dirname(directory);
    if (parent === directory) {
      throw new SetupError("recipe_invalid", "native/guest is missing from this installation", {
        remedy: "Install the package again.",
      });
    }
    directory = parent;
  }
}
