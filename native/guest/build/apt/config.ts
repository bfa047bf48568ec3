import { existsSync, readdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";

/** Paths of a private apt root. */
export interface AptPaths {
  readonly root: string;
  readonly config: string;
  /** Complete .deb files, and `partial/` with what apt can resume. */
  readonly archives: string;
  readonly lists: string;
  readonly sources: string;
  readonly sourceParts: string;
  /** The empty dpkg status that dependencies are solved against. */
  readonly status: string;
}

export function aptPaths(root: string): AptPaths {
  return {
    root,
    config: join(root, "apt.conf"),
    archives: join(root, "cache/archives"),
    lists: join(root, "state/lists"),
    sources: join(root, "sources.list"),
    sourceParts: join(root, "sources.list.d"),
    status: join(root, "status"),
  };
}

/**
 * Settings of the system that are about reaching its package servers (proxies, timeouts, client
 * certificates, clock tolerance) and therefore hold for us too. Nothing else is taken over: hooks
 * would run system commands, and nothing may weaken the check of signatures.
 * @param dump output of `apt-config dump`
 */
export function inheritedSettings(dump: string): string[] {
  return dump.split("\n").filter((line) => {
    if (!/^Acquire::[\w:./-]+ "[^"]*";$/.test(line)) return false;
    return !/^Acquire::(AllowInsecure|AllowWeak|AllowDowngrade|AllowRelease|IndexTargets|Languages|GzipIndexes|ForceHash|By-Hash)/i.test(
      line,
    );
  });
}

/**
 * The private root's apt.conf. Given as APT_CONFIG it is read first, so it also turns off the
 * system's configuration files that would be read after it.
 */
export function aptConfig(paths: AptPaths, inherited: readonly string[]): string {
  const quote = (value: string): string => {
    if (/["\\\n]/.test(value)) throw new TypeError(`apt cannot be told of a path like ${value}`);
    return `"${value}"`;
  };
  return [
    `Dir::Etc::main "/dev/null";`,
    `Dir::Etc::parts "/dev/null";`,
    `Dir::Etc::sourcelist ${quote(paths.sources)};`,
    `Dir::Etc::sourceparts ${quote(paths.sourceParts)};`,
    `Dir::State ${quote(join(paths.root, "state"))};`,
    `Dir::State::lists ${quote(paths.lists)};`,
    `Dir::State::status ${quote(paths.status)};`,
    `Dir::State::extended_states ${quote(join(paths.root, "extended_states"))};`,
    `Dir::Cache ${quote(join(paths.root, "cache"))};`,
    `Dir::Cache::archives ${quote(paths.archives)};`,
    // 70 MB of derived files that make a call half a second faster: not worth keeping.
    `Dir::Cache::pkgcache "";`,
    `Dir::Cache::srcpkgcache "";`,
    `Dir::Log ${quote(join(paths.root, "log"))};`,
    // As root apt would fetch as the user _apt, who may not write here.
    `APT::Sandbox::User ${quote(userInfo().username)};`,
    `APT::Architecture "amd64";`,
    `APT::Architectures { "amd64"; };`,
    `APT::Install-Recommends "false";`,
    `APT::Install-Suggests "false";`,
    `Acquire::Retries "3";`,
    `Acquire::http::Timeout "30";`,
    `Acquire::https::Timeout "30";`,
    ...inherited,
    `Acquire::Languages { "none"; };`,
    `Acquire::GzipIndexes "true";`,
    `Acquire::AllowInsecureRepositories "false";`,
    `Acquire::AllowWeakRepositories "false";`,
    `Acquire::AllowDowngradeToInsecureRepositories "false";`,
    `APT::Get::AllowUnauthenticated "false";`,
    "",
  ].join("\n");
}

/** A package source file of the system, made fit for the private root. */
export interface SourceFile {
  name: string;
  text: string;
}

/** The system's package sources, each with every permission to skip signature checks removed. */
export function systemSources(etcApt = "/etc/apt"): { list: string; parts: SourceFile[] } {
  const list = join(etcApt, "sources.list");
  const parts = join(etcApt, "sources.list.d");
  const readable = (file: string): boolean => file.endsWith(".list") || file.endsWith(".sources");
  return {
    list: existsSync(list) ? requireSignatures(readFileSync(list, "utf8")) : "",
    parts: existsSync(parts)
      ? readdirSync(parts)
          .filter(readable)
          .map((name) => ({ name, text: requireSignatures(readFileSync(join(parts, name), "utf8")) }))
      : [],
  };
}

/** Remove `trusted=yes` and its relatives from sources in either of apt's two formats. */
export function requireSignatures(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^\s*(Trusted|Allow-Insecure|Allow-Weak|Allow-Downgrade-To-Insecure)\s*:/i.test(line))
    .map((line) =>
      /^\s*deb(-src)?\s+\[/.test(line)
        ? line.replace(/\s*\b(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)[+-]?=[^\s\]]*/gi, "")
        : line,
    )
    .join("\n");
}
