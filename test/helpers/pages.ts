import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export interface MarkdownPage {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Everything that is written for readers: the pages at the top, the SDKs', and docs/. */
export function markdownPages(): MarkdownPage[] {
  return ["", "client", "client/python", "docs"].flatMap((directory) =>
    readdirSync(join(REPOSITORY, directory))
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => join(directory, name))
      .map((path) => ({ path, text: readFileSync(join(REPOSITORY, path), "utf8") })),
  );
}
