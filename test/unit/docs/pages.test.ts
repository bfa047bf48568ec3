import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { markdownPages, REPOSITORY } from "../../helpers/pages.js";

/** Of a line of prose; tables and code are as wide as they have to be. */
const MAX_WIDTH = 102;

const pages = markdownPages();
const texts = new Map(pages.map(({ path, text }) => [path, text]));

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

/** GitHub's anchors of a page's headings. */
function anchors(text: string): Set<string> {
  const headings = withoutCode(text).match(/^#+ .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** Why a link leads nowhere, or undefined. */
function broken(from: string, link: string): string | undefined {
  if (/^https?:\/\//.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? from : join(dirname(from), path);
  if (!existsSync(join(REPOSITORY, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  const text = texts.get(target);
  return text !== undefined && anchors(text).has(anchor) ? undefined : `${link}: ${target} has no such heading`;
}

describe.each(pages.map(({ path, text }) => [path, text] as const))("%s", (path, text) => {
  it("has links that lead somewhere", () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    expect(links.map((link) => broken(path, link)).filter((why) => why !== undefined)).toEqual([]);
  });

  it("names files that are there", () => {
    const named = [...withoutCode(text).matchAll(/`((?:native|server|client|test|docs)\/[\w./-]+)`/g)].map(
      ([, name = ""]) => name,
    );
    // What a build makes is not there before it.
    const missing = named.filter((name) => !name.includes("/build/") && !name.includes("/dist/"));
    expect(missing.filter((name) => !existsSync(join(REPOSITORY, name)))).toEqual([]);
  });

  it("has one title, and lines that fit", () => {
    expect(withoutCode(text).match(/^# /gm)).toHaveLength(1);
    const prose = withoutCode(text).split("\n");
    if (path === "CHANGELOG.md") return; // one line an entry
    expect(prose.filter((line) => line.length > MAX_WIDTH && !/^\||\]\(/.test(line))).toEqual([]);
  });
});

describe("the pages follow the code", () => {
  it("docs/kvm-hosts.md names every quirk", () => {
    const source = readFileSync(join(REPOSITORY, "native/src/hosts/pvm_host.h"), "utf8");
    const list = /Quirks\(\)[^}]*return \{([^}]*)\}/.exec(source)?.[1] ?? "";
    const quirks = [...list.matchAll(/"([\w-]+)"/g)].map(([, name = ""]) => name);
    expect(quirks).not.toHaveLength(0);
    const page = texts.get("docs/kvm-hosts.md") ?? "";
    expect(quirks.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("docs/architecture.md names every part", () => {
    const page = texts.get("docs/architecture.md") ?? "";
    const parts = ["native/src", "server/src"].flatMap((parent) =>
      readdirSync(join(REPOSITORY, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${parent}/${entry.name}`),
    );
    expect(parts.filter((part) => !page.includes(`\`${part}/\``))).toEqual([]);
  });

  it("docs/benchmarks.md names every figure of the engine's bench", () => {
    const directory = join(REPOSITORY, "native/test/bench");
    const source = readdirSync(directory)
      .map((name) => readFileSync(join(directory, name), "utf8"))
      .join("\n");
    const page = texts.get("docs/benchmarks.md") ?? "";
    const figures = new Set(source.match(/(?<=")(?:fork|cell|template|runtime)\/\w+(?=")/g));
    expect(figures.size).toBeGreaterThan(5);
    expect([...figures].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
