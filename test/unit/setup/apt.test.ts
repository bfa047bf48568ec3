import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  aptConfig,
  aptPaths,
  inheritedSettings,
  requireSignatures,
  systemSources,
} from "../../../native/guest/build/apt/config.js";
import { archiveName, parseSimulation, parseStanzas, statusOf } from "../../../native/guest/build/apt/packages.js";

describe("package sources", () => {
  it("lose every permission to skip signature checks, and nothing else", () => {
    expect(
      requireSignatures(
        [
          "deb [trusted=yes arch=amd64 signed-by=/k.gpg] http://host/debian bookworm main",
          "deb [ allow-insecure=yes allow-weak+=yes ] http://host/debian bookworm main",
          "deb http://host/trusted=yes bookworm main",
          "Types: deb",
          "Trusted: yes",
          "allow-insecure : yes",
          "Signed-By: /k.gpg",
        ].join("\n"),
      ).split("\n"),
    ).toEqual([
      "deb [ arch=amd64 signed-by=/k.gpg] http://host/debian bookworm main",
      "deb [ ] http://host/debian bookworm main",
      "deb http://host/trusted=yes bookworm main",
      "Types: deb",
      "Signed-By: /k.gpg",
    ]);
  });

  it("are read from both places apt knows, without files apt ignores", async () => {
    const etc = await mkdtemp(join(tmpdir(), "zeroboot-apt-"));
    expect(systemSources(etc)).toEqual({ list: "", parts: [] });
    await mkdir(join(etc, "sources.list.d"));
    await writeFile(join(etc, "sources.list"), "deb http://a b c");
    await writeFile(join(etc, "sources.list.d/x.sources"), "Types: deb");
    await writeFile(join(etc, "sources.list.d/x.sources.disabled"), "no");
    expect(systemSources(etc)).toEqual({
      list: "deb http://a b c",
      parts: [{ name: "x.sources", text: "Types: deb" }],
    });
    await rm(etc, { recursive: true });
  });
});

describe("apt.conf", () => {
  it("takes over how to reach servers, and neither hooks nor leniency", () => {
    const dump = [
      'Acquire::http::Proxy "http://proxy:3128";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::AllowInsecureRepositories "true";',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
      'APT::Update::Post-Invoke:: "rm -rf /";',
      'Acquire "";',
      'Acquire::x "a"; APT::Update::Pre-Invoke:: "b";',
    ].join("\n");
    expect(inheritedSettings(dump).slice(0, 2)).toEqual([
      'Acquire::http::Proxy "http://proxy:3128";',
      'Acquire::Check-Valid-Until "false";',
    ]);
    expect(inheritedSettings(dump).join("\n")).not.toMatch(/Insecure|Invoke|DEP-11/);
  });

  it("puts signature checks after everything taken over", () => {
    const lines = aptConfig(aptPaths("/cache/apt"), ['Acquire::http::Proxy "x";']).split("\n");
    expect(lines.indexOf('Acquire::http::Proxy "x";')).toBeLessThan(
      lines.indexOf('Acquire::AllowInsecureRepositories "false";'),
    );
    expect(lines).toContain('Dir::State::status "/cache/apt/status";');
    expect(lines[1]).toBe('Dir::Etc::parts "/dev/null";');
  });

  it("refuses a directory that could end its quotes", () => {
    expect(() => aptConfig(aptPaths('/x";Evil "'), [])).toThrow(TypeError);
  });
});

const STANZA = [
  "Package: libssl3",
  "Version: 3.0.22-1~deb12u2",
  "Architecture: amd64",
  "Multi-Arch: same",
  "Provides: libssl",
  "Description: text",
  " continued",
  "Size: 2039888",
  `SHA256: ${"ab".repeat(32)}`,
].join("\n");

describe("packages", () => {
  it("parses what a simulation would install", () => {
    const output = [
      "Inst gcc-12-base (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64])",
      "Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []",
      "Inst bison:amd64 (2:3.8.2+dfsg-1+b1 Debian:12.15/oldstable [amd64])",
      "Inst perl [5.36.0-6] (5.36.0-7+deb12u4 Debian:12.15/oldstable [amd64])",
      "Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])",
    ].join("\n");
    expect(parseSimulation(output)).toEqual([
      { name: "gcc-12-base", version: "12.2.0-14+deb12u1" },
      { name: "libc6", version: "2.36-9+deb12u14" },
      { name: "bison", version: "2:3.8.2+dfsg-1+b1" },
      { name: "perl", version: "5.36.0-7+deb12u4" },
    ]);
  });

  it("parses index stanzas", () => {
    const [parsed, second] = parseStanzas(`${STANZA}\n\n${STANZA.replace(": libssl3", ": other")}\n`);
    expect(parsed).toMatchObject({
      name: "libssl3",
      version: "3.0.22-1~deb12u2",
      size: 2039888,
      sha256: "ab".repeat(32),
    });
    expect(parsed?.fields.Description).toBe("text\n continued");
    expect(second?.name).toBe("other");
  });

  it("refuses a stanza without a SHA-256", () => {
    expect(() => parseStanzas(STANZA.replace(/SHA256/, "MD5sum"))).toThrow(
      expect.objectContaining({ code: "package_missing" }),
    );
  });

  it("names archives as apt does", () => {
    const [of] = parseStanzas(STANZA.replace("3.0.22-1~deb12u2", "2:1.0+x~y"));
    expect(of && archiveName(of)).toBe("libssl3_2%3a1.0+x~y_amd64.deb");
  });

  it("writes a status that says they are installed and depend on nothing", () => {
    expect(statusOf(parseStanzas(`${STANZA}\nDepends: libc6`))).toBe(
      [
        "Package: libssl3",
        "Status: install ok installed",
        "Maintainer: none",
        "Architecture: amd64",
        "Multi-Arch: same",
        "Version: 3.0.22-1~deb12u2",
        "Provides: libssl",
        "Description: assumed",
        "",
        "",
      ].join("\n"),
    );
  });
});
