import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { buildEnvironment, run } from "../command.js";
import type { BuildContext } from "../context.js";
import { digestFile } from "../digest.js";
import { fileError, SetupError } from "../errors.js";
import { withLock } from "../lock.js";
import type { Manifest } from "../manifest.js";
import { freshDirectory } from "../store.js";
import type { NpmPackage } from "./recipe.js";

/** A package whose archive is in the cache and has the integrity its recipe states. */
export interface FetchedNpmPackage extends NpmPackage {
  archive: string;
  /** Of the archive, hex, as manifests list it. */
  sha256: string;
}

/**
 * Fetch packages with the user's own npm: its registry, its credentials, its proxy. What it brings is used only with
 * the integrity the recipe states, and then kept, so that a second build needs no network.
 * @throws SetupError `network_lost`, `package_corrupt`, `tool_missing`, `interrupted`
 */
export async function fetchNpmPackages(
  packages: readonly NpmPackage[],
  context: BuildContext,
): Promise<FetchedNpmPackage[]> {
  if (packages.length === 0) return [];
  const { layout, progress, signal } = context;
  const lock = { directory: layout.locks, name: "npm", doing: "fetching npm packages", progress, signal };
  return withLock(lock, async ({ fd }) => {
    const fetched: FetchedNpmPackage[] = [];
    for (const [index, of] of packages.entries()) {
      progress.update(index / packages.length, `fetching ${of.name} ${of.version}`);
      const archive = await fetchOne(of, { ...context, holdFd: fd });
      fetched.push({ ...of, archive, sha256: await digestFile(archive, signal) });
    }
    return fetched;
  });
}

async function fetchOne(of: NpmPackage, context: BuildContext): Promise<string> {
  const { layout, signal } = context;
  const digest = Buffer.from(of.integrity.slice("sha512-".length), "base64").toString("hex");
  const archive = join(layout.npm, `${digest.slice(0, 32)}.tgz`);
  if ((await stat(archive).catch(() => undefined)) !== undefined) {
    if ((await sha512(archive, signal)) === digest) return archive;
    await rm(archive, { force: true });
  }
  const work = await freshDirectory(join(layout.work, "npm"));
  try {
    await pack(of, work, context);
    const [name, ...others] = await readdir(work);
    if (name === undefined || others.length > 0) throw new TypeError(`npm pack left ${others.length + 1} files`);
    if ((await sha512(join(work, name), signal)) !== digest) throw corrupt(of);
    await mkdir(layout.npm, { recursive: true });
    await rename(join(work, name), archive);
    return archive;
  } catch (error) {
    throw fileError(error, `fetching ${of.name}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function pack(of: NpmPackage, into: string, context: BuildContext): Promise<void> {
  const { log, signal, holdFd } = context;
  const args = ["pack", `${of.name}@${of.version}`, "--pack-destination", into, "--ignore-scripts", "--silent"];
  try {
    await run("npm", args, { cwd: into, env: npmEnvironment(), log, signal, holdFd });
  } catch (error) {
    if (!(error instanceof SetupError) || error.code !== "command_failed") throw error;
    throw new SetupError("network_lost", `npm could not fetch ${of.name} ${of.version}`, {
      remedy: "Check the network and npm's registry and proxy settings, and run the same command again.",
      ...(error.log === undefined ? {} : { log: error.log }),
      cause: error,
    });
  }
}

/** npm's settings may be in the environment; npm itself is where the user's Node is. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const settings = Object.entries(process.env).filter(([name]) => /^(npm_config_|NODE_EXTRA_CA_CERTS$)/i.test(name));
  const known = settings.filter((entry): entry is [string, string] => entry[1] !== undefined);
  return buildEnvironment(process.env.PATH ?? "", Object.fromEntries(known));
}

async function sha512(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, signal === undefined ? {} : { signal });
  return hash.digest("hex");
}

function corrupt(of: NpmPackage): SetupError {
  return new SetupError("package_corrupt", `${of.name} ${of.version} does not have the integrity its recipe states`, {
    remedy: "It has been removed; run the same command again. If it persists, the registry or a proxy alters files.",
  });
}

/** Unpack below `headers/npm`, where `compile` finds the headers. */
export async function unpackNpmPackages(
  packages: readonly FetchedNpmPackage[],
  headers: string,
  { log, signal, holdFd }: BuildContext,
): Promise<void> {
  for (const { name, archive } of packages) {
    const directory = unpackedAt(headers, name);
    await mkdir(directory, { recursive: true });
    const args = ["--extract", "--gzip", "--no-same-owner", "--strip-components=1", "--file", archive];
    await run("tar", [...args, "--directory", directory], {
      env: buildEnvironment(process.env.PATH ?? ""),
      log,
      signal,
      holdFd,
    });
  }
}

/** Copy the files the recipe asks for into the image. */
export async function addNpmFiles(
  packages: readonly FetchedNpmPackage[],
  headers: string,
  root: string,
): Promise<void> {
  for (const { name, files } of packages) {
    for (const [path, source] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await cp(join(unpackedAt(headers, name), source), join(root, path), { recursive: true });
    }
  }
}

/** Packages as a manifest lists them. */
export function npmManifestPackages(packages: readonly FetchedNpmPackage[]): Manifest["packages"] {
  return packages.map(({ name, version, sha256 }) => ({ name, version, architecture: "npm", sha256 }));
}

function unpackedAt(headers: string, name: string): string {
  return join(headers, "npm", name);
}
