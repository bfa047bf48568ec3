import { readdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ElfFile, EM_X86_64, parseElf, readElf } from "../elf.js";
import { unusable } from "./unusable.js";

/** What the agent's C half was compiled for. */
const PYTHON = "python3.11";
/** The container's own comes before its distribution's: it has the packages that were installed. */
const PLACES = ["usr/local/bin", "usr/bin"];

/**
 * The interpreter in an unpacked container that can run the agent.
 * @returns its path in the image
 * @throws SetupError `container_invalid`, saying what was found in its place
 */
export async function findPython(root: string): Promise<string> {
  const problems: string[] = [];
  for (const place of PLACES) {
    const path = `${place}/${PYTHON}`;
    const problem = await problemWith(root, path);
    if (problem === undefined) return path;
    if (problem !== "") problems.push(`${path} ${problem}`);
  }
  if (problems.length === 0) problems.push(await whatElse(root));
  throw unusable(`the container has no CPython 3.11 for x86-64 with glibc: ${problems.join("; ")}`);
}

/** Undefined: it can be used; empty: it is not there. */
async function problemWith(root: string, path: string): Promise<string | undefined> {
  const elf = await elfAt(root, path);
  if (elf === undefined) return "";
  if (elf === "no-elf") return "is no program";
  if (elf.machine !== EM_X86_64) return "is for another kind of processor";
  if (!elf.needed.includes("libc.so.6")) return `is linked with ${elf.needed.join(", ") || "no library"}, not glibc`;
  const library = join(root, path, "../../lib", PYTHON, "os.py");
  return (await realpath(library).catch(() => undefined)) === undefined ? "has no standard library" : undefined;
}

async function elfAt(root: string, path: string): Promise<ElfFile | "no-elf" | undefined> {
  // Links of an unpacked container stay in it.
  const real = await realpath(join(root, path)).catch(() => undefined);
  if (real === undefined) return undefined;
  try {
    const bytes = await readElf(real);
    return bytes === undefined ? "no-elf" : parseElf(bytes);
  } catch {
    return "no-elf";
  }
}

async function whatElse(root: string): Promise<string> {
  const found: string[] = [];
  for (const place of [...PLACES, "bin"]) {
    const names = await readdir(join(root, place)).catch(() => []);
    found.push(...names.filter((name) => /^python[0-9.]*$/.test(name)).map((name) => `${place}/${name}`));
  }
  if (found.length > 0) return `found ${found.sort().join(", ")}`;
  const top = (await readdir(root)).sort();
  const isImage = top.includes("manifest.json") && (top.includes("blobs") || top.includes("oci-layout"));
  return isImage
    ? "it is an image, as `docker save` writes it, and no file system"
    : `found no python; at its top are ${
        top
          .slice(0, 20)
          .map((name) => basename(name))
          .join(", ") || "no files"
      }`;
}
