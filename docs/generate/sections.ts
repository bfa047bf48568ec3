/** What a section of a page holds, by the name in its marker. */
export type Sections = Readonly<Record<string, () => string>>;

const MARKED = /<!-- generated: ([a-z-]+) -->\n[\s\S]*?<!-- end generated -->/g;

/**
 * A page with each of its generated sections made anew; everything between the sections is written by hand and
 * stays as it is.
 * @throws RangeError when page and sections do not have the same names, each once
 */
export function fillSections(page: string, sections: Sections): string {
  const missing = new Set(Object.keys(sections));
  const filled = page.replace(MARKED, (_, name: string) => {
    const make = sections[name];
    if (make === undefined || !missing.delete(name)) throw new RangeError(`no section ${name} is left to generate`);
    return `<!-- generated: ${name} -->\n\n${make()}\n\n<!-- end generated -->`;
  });
  if (missing.size > 0) throw new RangeError(`the page has no place for ${[...missing].join(", ")}`);
  return filled;
}

/** A Markdown table. Cells are Markdown; a bar in one does not end it. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `|${cells.map((cell) => (cell === "" ? " " : ` ${cell.replaceAll("|", "\\|")} `)).join("|")}|`;
  return [line(header), `|${header.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
