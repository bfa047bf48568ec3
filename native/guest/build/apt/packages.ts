import { SetupError } from "../errors.js";

/** One binary package at one version, as the signed index describes it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the .deb file, hex. */
  readonly sha256: string;
  /** Of the .deb file, bytes. */
  readonly size: number;
  /** The whole stanza. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The name apt gives a package's file in its archive cache. */
export function archiveName(of: DebianPackage): string {
  return `${of.name}_${of.version.replaceAll(":", "%3a")}_${of.architecture}.deb`;
}

/** The `Inst name (version ...)` lines of `apt-get --simulate install`: what would be installed, in order. */
export function parseSimulation(output: string): { name: string; version: string }[] {
  const found: { name: string; version: string }[] = [];
  for (const line of output.split("\n")) {
    const match = /^Inst ([a-z0-9][a-z0-9+.-]*)(?::\S+)? (?:\[[^\]]*\] )?\((\S+) /.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) found.push({ name: match[1], version: match[2] });
  }
  return found;
}

/**
 * Stanzas of `apt-cache show`.
 * @throws SetupError `package_missing` for one without the SHA-256 that everything rests on
 */
export function parseStanzas(output: string): DebianPackage[] {
  return output
    .split(/\n\n+/)
    .filter((stanza) => stanza.trim() !== "")
    .map((stanza) => {
      const fields: Record<string, string> = {};
      let last = "";
      for (const line of stanza.split("\n")) {
        const match = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
        if (match?.[1] !== undefined) {
          last = match[1];
          fields[last] = match[2] ?? "";
        } else if (last !== "" && line.startsWith(" ")) {
          fields[last] += `\n${line}`;
        }
      }
      const { Package: name, Version: version, Architecture: architecture, SHA256: sha256 } = fields;
      const size = Number(fields.Size);
      if (
        name === undefined ||
        version === undefined ||
        architecture === undefined ||
        sha256 === undefined ||
        !/^[0-9a-f]{64}$/.test(sha256) ||
        !Number.isSafeInteger(size)
      ) {
        throw new SetupError(
          "package_missing",
          `the package index describes ${name ?? "a package"} without a SHA-256 and size`,
          {
            remedy: "Use package sources whose indexes have SHA-256 digests.",
          },
        );
      }
      return { name, version, architecture, sha256, size, fields };
    });
}

/**
 * A dpkg status in which the given packages are installed at their solved versions, and nothing
 * else is. Apt then downloads a chosen few without fetching what they depend on.
 */
export function statusOf(packages: readonly DebianPackage[]): string {
  return packages
    .map((of) =>
      [
        `Package: ${of.name}`,
        "Status: install ok installed",
        "Maintainer: none",
        `Architecture: ${of.architecture}`,
        ...(of.fields["Multi-Arch"] === undefined ? [] : [`Multi-Arch: ${of.fields["Multi-Arch"]}`]),
        `Version: ${of.version}`,
        ...(of.fields.Provides === undefined ? [] : [`Provides: ${of.fields.Provides}`]),
        "Description: assumed",
        "",
        "",
      ].join("\n"),
    )
    .join("");
}
