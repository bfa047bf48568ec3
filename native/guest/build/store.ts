import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestFile } from "./digest.js";
import { fileError } from "./errors.js";
import { type Manifest, readManifest } from "./manifest.js";
import { isFileOf, publishDirectory, publishFile } from "./publish.js";

const REQUESTS = "requests";
const MANIFEST = "manifest.json";

/** A finished artefact in the cache. */
export interface StoredArtefact {
  /** Holds its files and its manifest. */
  directory: string;
  manifest: Manifest;
}

/**
 * Finished artefacts of one kind, by content.
 *
 * An artefact's key covers everything that determines it, package versions included, which only
 * apt can tell. So that a warm start need not ask apt, each request (a digest of our own sources
 * alone) leaves a note of the artefact that answered it.
 */
export class ArtefactStore {
  readonly #directory: string;

  /** @param directory `kernel` or `root` of the cache */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The artefact that answered a request; undefined if it is not there, whole, with its files' sizes right. */
  async findByRequest(request: string): Promise<StoredArtefact | undefined> {
    const text = await readFile(this.#requestPath(request), "utf8").catch(() => undefined);
    if (text === undefined || !/^[0-9a-f]{32}\n$/.test(text)) return undefined;
    return this.find(text.trim());
  }

  /** An artefact by its key. */
  async find(key: string): Promise<StoredArtefact | undefined> {
    const directory = join(this.#directory, key);
    const manifest = await readManifest(join(directory, MANIFEST));
    if (manifest === undefined || manifest.key !== key) return undefined;
    const whole = await Promise.all(
      Object.entries(manifest.files).map(([name, file]) => isFileOf(join(directory, name), file.bytes)),
    );
    return whole.every(Boolean) ? { directory, manifest } : undefined;
  }

  /** Let a request be answered by an artefact that is there. */
  async answer(request: string, key: string): Promise<void> {
    await publishFile(this.#requestPath(request), `${key}\n`);
  }

  /**
   * Publish the files in `work` as an artefact and let it answer its request. `work` holds the
   * files and nothing else, and is gone afterwards.
   * @throws SetupError `disk_full`, `home_unusable`
   */
  async publish(work: string, manifest: Omit<Manifest, "files">): Promise<StoredArtefact> {
    const files: Manifest["files"] = {};
    for (const name of (await readdir(work)).sort()) {
      const path = join(work, name);
      files[name] = { sha256: await digestFile(path), bytes: (await stat(path)).size };
    }
    const whole: Manifest = { ...manifest, files };
    const directory = join(this.#directory, manifest.key);
    try {
      await writeFile(join(work, MANIFEST), manifestText(whole));
      // Whatever is there under this name was found wanting, or we would not be here.
      if ((await this.find(manifest.key)) === undefined) await rm(directory, { recursive: true, force: true });
    } catch (error) {
      throw fileError(error, `publishing ${directory}`);
    }
    await publishDirectory(work, directory);
    await this.answer(manifest.request, manifest.key);
    return { directory, manifest: whole };
  }

  /** All whole artefacts, newest first. */
  async list(): Promise<StoredArtefact[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const found = await Promise.all(names.filter((name) => name !== REQUESTS).map((name) => this.find(name)));
    return found
      .filter((artefact) => artefact !== undefined)
      .sort((a, b) => b.manifest.builtAt.localeCompare(a.manifest.builtAt));
  }

  /** Remove an artefact. Idempotent. */
  async remove(key: string): Promise<void> {
    await rm(join(this.#directory, key), { recursive: true, force: true });
  }

  #requestPath(request: string): string {
    return join(this.#directory, REQUESTS, request);
  }
}

/** Replace the manifest of an artefact, whole or not at all. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  await publishFile(join(directory, MANIFEST), manifestText(manifest));
}

function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** An empty directory for unfinished work. */
export async function freshDirectory(path: string): Promise<string> {
  try {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw fileError(error, `creating ${path}`);
  }
  return path;
}
