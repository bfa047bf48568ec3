import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { DebianPackage } from "./apt/packages.js";
import { systemCode } from "./errors.js";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  /** Of this file. */
  format: z.literal(1),
  kind: z.enum(["kernel", "root"]),
  /** Name of the artefact's directory. */
  key: z.string(),
  /** What was asked for: our own sources, before any package was chosen. */
  request: z.string(),
  title: z.string(),
  /** ISO 8601. */
  builtAt: z.string(),
  /** Exactly what it was made from. */
  packages: z.array(
    z.strictObject({ name: z.string(), version: z.string(), architecture: z.string(), sha256: digest }),
  ),
  /** Version of the host's compiler. */
  compiler: z.string(),
  /** Build tools taken from packages because the host lacks them. */
  fetchedTools: z.array(z.string()),
  files: z.record(z.string(), z.strictObject({ sha256: digest, bytes: z.number().int().positive() })),
  /** Guest-physical addresses of kernel symbols, hexadecimal. */
  symbols: z.record(z.string(), z.string().regex(/^0x[0-9a-f]+$/)),
});

/** What an artefact is, what it was made from, and what its files must be. */
export type Manifest = z.infer<typeof manifestSchema>;

/** The manifest in a file; undefined if there is none or it is not one of this version. */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Packages as a manifest lists them, by name. */
export function manifestPackages(packages: readonly DebianPackage[]): Manifest["packages"] {
  return packages
    .map(({ name, version, architecture, sha256 }) => ({ name, version, architecture, sha256 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
