import { mkdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildEnvironment, type CommandOptions, run } from "../command.js";
import type { BuildContext } from "../context.js";
import { digestFile } from "../digest.js";
import { fileError, SetupError } from "../errors.js";
import { withLock } from "../lock.js";
import { type AptPaths, aptConfig, aptPaths, inheritedSettings, systemSources } from "./config.js";
import { archiveName, type DebianPackage, parseSimulation, parseStanzas, statusOf } from "./packages.js";

/** Lists younger than this are used as they are. Packages that vanish from a mirror refresh them earlier. */
const LISTS_FRESH_MS = 12 * 3600 * 1000;

/** Packages and, in the same order, their verified .deb files. */
export interface Fetched {
  packages: DebianPackage[];
  archives: string[];
}

/**
 * An apt of our own: its lists, cache and (empty) dpkg status lie below one directory, and it
 * never touches the system's. The system gives the package sources, the keyrings, and what is
 * needed to reach the servers. Needs no root, and as root works the same. One process at a time.
 */
export class AptRoot {
  readonly paths: AptPaths;
  readonly #context: BuildContext;
  #holdFd: number | undefined;
  #prepared = false;
  /** An update of the lists was tried by this object. */
  #updated = false;
  #updateFailed: SetupError | undefined;

  constructor(context: BuildContext) {
    this.paths = aptPaths(context.layout.apt);
    this.#context = context;
  }

  /**
   * The packages that installing `wanted` on an empty system would install, without recommended
   * ones. Fetches the package lists first when there are none or they are old.
   * @throws SetupError `package_missing`, `network_lost`, `tool_missing`, `interrupted`
   */
  async solve(wanted: readonly string[]): Promise<DebianPackage[]> {
    await this.#prepare();
    await this.#update(this.#context.refresh ? 0 : LISTS_FRESH_MS);
    try {
      return await this.#solve(wanted);
    } catch (error) {
      throw this.#updateFailed ?? error;
    }
  }

  /** The named packages as the lists have them, without their dependencies. */
  async find(wanted: readonly string[]): Promise<DebianPackage[]> {
    const { layout, progress, signal } = this.#context;
    return withLock({ directory: layout.locks, name: "apt", doing: "fetching packages", progress, signal }, async () =>
      (await this.solve(wanted)).filter((of) => wanted.includes(of.name)),
    );
  }

  /**
   * Solve, choose, download, and use the files while no other process touches them. A mirror that
   * no longer has what the lists say gets its lists fetched again, once.
   * @param choose picks those to download from the whole solution
   * @throws SetupError as {@link solve} and {@link download}, and what `body` throws
   */
  use<T>(
    wanted: readonly string[],
    choose: (all: DebianPackage[]) => DebianPackage[],
    body: (fetched: Fetched) => Promise<T>,
  ): Promise<T> {
    const { layout, progress, signal } = this.#context;
    return withLock(
      { directory: layout.locks, name: "apt", doing: "fetching packages", progress, signal },
      async ({ fd }) => {
        this.#holdFd = fd;
        try {
          return await body(await this.#fetch(wanted, choose));
        } finally {
          this.#holdFd = undefined;
        }
      },
    );
  }

  async #fetch(wanted: readonly string[], choose: (all: DebianPackage[]) => DebianPackage[]): Promise<Fetched> {
    const attempt = async (): Promise<Fetched> => {
      const all = await this.solve(wanted);
      const packages = choose(all);
      return { packages, archives: await this.download(all, packages) };
    };
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof SetupError) || error.code !== "network_lost" || this.#updated) throw error;
      await rm(this.#updateStamp, { force: true });
      return attempt();
    }
  }

  /**
   * Fetch .deb files, resuming what an earlier run left, and check each against the SHA-256 of the
   * signed index. Files that are there and right are not fetched again.
   * @param all a whole solution, as {@link solve} gave it
   * @param wanted those of `all` to fetch
   * @returns paths, in the order of `wanted`
   * @throws SetupError `network_lost`, `package_corrupt`, `disk_full`, `interrupted`
   */
  async download(all: readonly DebianPackage[], wanted: readonly DebianPackage[]): Promise<string[]> {
    await this.#prepare();
    const paths = wanted.map((of) => join(this.paths.archives, archiveName(of)));
    if (await this.#allThere(paths, wanted)) return this.#verified(paths, wanted);
    const names = new Set(wanted.map((of) => of.name));
    const status = join(this.paths.root, "status.assumed");
    await this.#write(status, statusOf(all.filter((of) => !names.has(of.name))));
    const args = ["--yes", "--no-install-recommends", "--download-only", "--allow-downgrades"];
    try {
      await this.#apt(
        "apt-get",
        [
          "-o",
          `Dir::State::status=${status}`,
          "-o",
          "APT::Status-Fd=3",
          ...args,
          "install",
          ...wanted.map((of) => `${of.name}=${of.version}`),
        ],
        {
          onStatusLine: (line) => {
            const match = /^dlstatus:\d+:([\d.]+):(.*)$/.exec(line);
            if (match !== null) this.#context.progress.update(Number(match[1]) / 100, match[2]);
          },
        },
      );
    } catch (error) {
      if (error instanceof SetupError && error.code === "command_failed") throw lost(error);
      throw error;
    }
    return this.#verified(paths, wanted);
  }

  /** Remove .deb files that are no longer needed. */
  async forget(packages: readonly DebianPackage[]): Promise<void> {
    await Promise.all(packages.map((of) => rm(join(this.paths.archives, archiveName(of)), { force: true })));
  }

  /** Unpack a .deb file below `directory`, running none of its scripts. */
  async unpack(archive: string, directory: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await run("dpkg-deb", ["--extract", archive, directory], this.#commandOptions());
  }

  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    const { paths } = this;
    try {
      for (const directory of [join(paths.archives, "partial"), join(paths.lists, "partial"), paths.sourceParts]) {
        await mkdir(directory, { recursive: true });
      }
    } catch (error) {
      throw fileError(error, `creating ${paths.root}`);
    }
    const dump = await run("apt-config", ["dump"], { ...this.#commandOptions(), env: buildEnvironment(systemPath()) });
    const sources = systemSources();
    if (sources.list.trim() === "" && sources.parts.length === 0) {
      throw new SetupError("package_missing", "this system has no apt package sources", {
        remedy: "Restore /etc/apt/sources.list or a file in /etc/apt/sources.list.d.",
      });
    }
    await rm(paths.sourceParts, { recursive: true, force: true });
    await mkdir(paths.sourceParts, { recursive: true });
    await this.#write(paths.sources, sources.list);
    for (const part of sources.parts) await this.#write(join(paths.sourceParts, part.name), part.text);
    await this.#write(paths.status, "");
    await this.#write(paths.config, aptConfig(paths, inheritedSettings(dump.stdout)));
    this.#prepared = true;
  }

  /**
   * Fetch the package lists unless they are younger than `maxAgeMs`. A failure is remembered, not
   * thrown: one unreachable source of many need not concern us, and signed lists of yesterday do
   * when there is no network. What then cannot be solved is reported as this failure.
   */
  async #update(maxAgeMs: number): Promise<void> {
    const last = await stat(this.#updateStamp).catch(() => undefined);
    if (last !== undefined && Date.now() - last.mtimeMs < maxAgeMs) return;
    if (this.#updated) return;
    this.#updated = true;
    this.#context.progress.update(undefined, "fetching package lists");
    try {
      await this.#apt("apt-get", ["-o", "APT::Update::Error-Mode=any", "update"]);
      await this.#write(this.#updateStamp, "");
      await utimes(this.#updateStamp, new Date(), new Date());
    } catch (error) {
      if (!(error instanceof SetupError) || error.code !== "command_failed") throw error;
      this.#updateFailed = lost(error);
    }
  }

  get #updateStamp(): string {
    return join(this.paths.root, "updated");
  }

  async #solve(wanted: readonly string[]): Promise<DebianPackage[]> {
    const simulation = await this.#apt("apt-get", [
      "--simulate",
      "--no-install-recommends",
      "install",
      ...wanted,
    ]).catch((error: unknown) => {
      if (!(error instanceof SetupError) || error.code !== "command_failed") throw error;
      const complaints = error.message.split("\n").filter((line) => line.startsWith("E: "));
      throw new SetupError(
        "package_missing",
        complaints.length > 0
          ? `the system's package sources do not offer what is asked for: ${complaints.join("; ")}`
          : `the system's package sources do not offer ${wanted.join(", ")}: ${error.message}`,
        {
          remedy: "Check the packages' names, and the sources in /etc/apt: Debian 12 (bookworm) main is needed.",
          ...(error.log === undefined ? {} : { log: error.log }),
        },
      );
    });
    const chosen = parseSimulation(simulation.stdout);
    if (chosen.length === 0) {
      throw new SetupError("package_missing", `apt found nothing to install for ${wanted.join(", ")}`, {
        remedy: "Check the sources in /etc/apt: Debian 12 (bookworm) main is needed.",
      });
    }
    const shown = await this.#apt("apt-cache", ["show", ...chosen.map((of) => `${of.name}=${of.version}`)]);
    const stanzas = new Map(parseStanzas(shown.stdout).map((of) => [`${of.name}=${of.version}`, of]));
    return chosen.map(({ name, version }) => {
      const found = stanzas.get(`${name}=${version}`);
      if (found !== undefined) return found;
      throw new SetupError("package_missing", `the package index has no entry for ${name} ${version}`, {
        remedy: "Run the same command again with --refresh.",
      });
    });
  }

  async #allThere(paths: readonly string[], packages: readonly DebianPackage[]): Promise<boolean> {
    const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
    return found.every((entry, index) => entry?.size === packages[index]?.size);
  }

  async #verified(paths: readonly string[], packages: readonly DebianPackage[]): Promise<string[]> {
    for (const [index, path] of paths.entries()) {
      const of = packages[index];
      const digest = await digestFile(path, this.#context.signal).catch((error: unknown) => {
        throw fileError(error, `reading ${path}`);
      });
      if (of === undefined || digest === of.sha256) continue;
      await rm(path, { force: true });
      throw new SetupError(
        "package_corrupt",
        `${of.name} ${of.version} does not have the SHA-256 its signed index promises`,
        {
          remedy:
            "It has been removed; run the same command again. If it persists, the mirror or a proxy alters files.",
        },
      );
    }
    return [...paths];
  }

  #apt(program: string, args: readonly string[], more: Partial<CommandOptions> = {}): ReturnType<typeof run> {
    return run(program, args, { ...this.#commandOptions(), ...more });
  }

  #commandOptions(): CommandOptions {
    const { log, signal } = this.#context;
    const holdFd = this.#holdFd ?? this.#context.holdFd;
    const env = buildEnvironment(systemPath(), { APT_CONFIG: this.paths.config, DEBIAN_FRONTEND: "noninteractive" });
    return { env, log, signal, holdFd };
  }

  async #write(path: string, text: string): Promise<void> {
    await writeFile(path, text).catch((error: unknown) => {
      throw fileError(error, `writing ${path}`);
    });
  }
}

/** PATH with the places of system programs, which ordinary users' PATH may lack. */
export function systemPath(): string {
  return [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"].join(
    ":",
  );
}

function lost(error: SetupError): SetupError {
  return new SetupError("network_lost", `packages could not be fetched: ${error.message}`, {
    remedy:
      "Check the network (and apt's proxy settings) and run the same command again: it continues where it stopped.",
    ...(error.log === undefined ? {} : { log: error.log }),
    cause: error,
  });
}
