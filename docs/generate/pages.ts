/** The pages that have generated sections, as they are and as they should be. */
import { readFileSync } from "node:fs";
import { API_SECTIONS } from "./api.js";
import { CONFIGURATION_SECTIONS } from "./configuration.js";
import { DEPENDENCY_SECTIONS } from "./dependencies.js";
import { ERROR_SECTIONS } from "./errors.js";
import { METRICS_SECTIONS } from "./metrics.js";
import { fillSections, type Sections } from "./sections.js";

const PAGES: Readonly<Record<string, Sections>> = {
  "docs/API.md": API_SECTIONS,
  "docs/configuration.md": CONFIGURATION_SECTIONS,
  "docs/dependencies.md": DEPENDENCY_SECTIONS,
  "docs/errors.md": ERROR_SECTIONS,
  "docs/metrics.md": METRICS_SECTIONS,
};

export interface Page {
  /** From the top of the repository. */
  readonly path: string;
  readonly url: URL;
  readonly current: string;
  readonly wanted: string;
}

export function generatedPages(): Page[] {
  return Object.entries(PAGES).map(([path, sections]) => {
    const url = new URL(`../../${path}`, import.meta.url);
    const current = readFileSync(url, "utf8");
    return { path, url, current, wanted: fillSections(current, sections) };
  });
}
