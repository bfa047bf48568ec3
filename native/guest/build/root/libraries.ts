import { readlink, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type ElfFile, EM_X86_64, parseElf, readElf } from "../elf.js";
import { SetupError } from "../errors.js";
import { globMatcher } from "./glob.js";
import { walkTree } from "./tree.js";

/** Where the guest's loader looks, in its order. */
export const LIBRARY_DIRECTORIES = [
  "usr/local/lib/x86_64-linux-gnu",
  "usr/local/lib",
  "usr/lib/x86_64-linux-gnu",
  "usr/lib",
  "usr/lib64",
];

/** A shared object the guest's loader can find by name. */
export interface Library {
  /** The name programs ask for. */
  soname: string;
  /** Absolute path in the guest. */
  path: string;
}

/** Shared libraries of a tree by the names the loader finds them under. */
export async function findLibraries(root: string): Promise<Library[]> {
  const found = new Map<string, Library>();
  for (const directory of LIBRARY_DIRECTORIES) {
    for (const entry of await walkDirectory(root, directory)) {
      if (!/\.so(\.|$)/.test(basename(entry))) continue;
      const elf = await elfAt(root, entry);
      if (elf === undefined) continue;
      // As ldconfig does: a file is known by its soname, a link also by its own name.
      const soname = elf.soname ?? basename(entry);
      if (basename(entry) === soname && !found.has(soname)) found.set(soname, { soname, path: `/${entry}` });
    }
  }
  return [...found.values()];
}

/**
 * Check that every program and library of a tree finds the libraries it was linked with: a
 * package dropped by mistake must fail here and not in somebody's guest.
 * @throws SetupError `recipe_invalid`
 */
export async function requireClosure(
  root: string,
  libraries: readonly Library[],
  except: readonly string[],
): Promise<void> {
  const known = new Set(libraries.map((library) => library.soname));
  const excepted = globMatcher(except);
  const lacking: string[] = [];
  for (const entry of await walkTree(root)) {
    if (entry.kind !== "file" || excepted(entry.path)) continue;
    const elf = await elfAt(root, entry.path);
    if (elf === undefined || elf.needed.length === 0) continue;
    const beside = new Set(
      elf.runPaths.map((path) => path.replace(/^\$(ORIGIN|\{ORIGIN\})/, `/${dirname(entry.path)}`)),
    );
    for (const name of elf.needed) {
      if (known.has(name)) continue;
      const found = await Promise.all([...beside].map((directory) => exists(join(root, directory, name))));
      if (!found.includes(true)) lacking.push(`${entry.path} needs ${name}`);
    }
  }
  if (lacking.length === 0) return;
  throw new SetupError("recipe_invalid", `the image lacks libraries: ${lacking.slice(0, 10).join("; ")}`, {
    remedy: "Do not drop or remove what brings them, or list the file under `unresolved`.",
  });
}

async function walkDirectory(root: string, directory: string): Promise<string[]> {
  const entries = await walkTree(root, directory).catch(() => []);
  return entries
    .filter((entry) => (entry.kind === "file" || entry.kind === "link") && dirname(entry.path) === directory)
    .map((entry) => entry.path);
}

async function exists(path: string): Promise<boolean> {
  return (await realpath(path).catch(() => undefined)) !== undefined;
}

/** Parse a file of the tree, following links within it. */
async function elfAt(root: string, path: string): Promise<ElfFile | undefined> {
  let at = path;
  for (let hops = 0; hops < 8; hops++) {
    const target = await readlink(join(root, at)).catch(() => undefined);
    if (target === undefined) break;
    at = target.startsWith("/") ? target.slice(1) : join(dirname(at), target);
  }
  try {
    const bytes = await readElf(join(root, at));
    if (bytes === undefined) return undefined;
    const elf = parseElf(bytes);
    return elf.machine === EM_X86_64 ? elf : undefined;
  } catch {
    return undefined;
  }
}
