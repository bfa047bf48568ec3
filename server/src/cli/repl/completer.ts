import type { Completion } from "@zeroboot/sdk";

/** What Tab writes where there is nothing to complete. */
const INDENT = "    ";

/**
 * Tab, as node:readline asks for it.
 * @param begun the lines above in the same cell
 * @param line what stands before the cursor in this one
 * @param complete what could stand at the end of code
 * @returns the matches, and the end of `line` for which they stand
 */
export async function completeLine(
  begun: readonly string[],
  line: string,
  complete: (code: string) => Promise<Completion>,
): Promise<[string[], string]> {
  if (line.trim() === "") return [[INDENT], ""];
  const above = begun.map((text) => `${text}\n`).join("");
  const { matches, start } = await complete(above + line);
  // What began in a line above cannot be changed any more.
  return start < above.length ? [[], line] : [[...matches], line.slice(start - above.length)];
}
