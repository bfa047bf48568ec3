/** What `session.complete` answers: `matches` may stand for the code points from `start` on. */
export interface Completion {
  readonly matches: readonly string[];
  readonly start: number;
}

/** What Tab writes where there is nothing to complete. */
const INDENT = "    ";

/**
 * Tab, as node:readline asks for it.
 * @param begun the lines above in the same cell
 * @param line what stands before the cursor in this one
 * @param complete of code, with the cursor behind its last code point
 * @returns the matches, and the end of `line` for which they stand
 */
export async function completeLine(
  begun: readonly string[],
  line: string,
  complete: (code: string, cursor: number) => Promise<Completion>,
): Promise<[string[], string]> {
  if (line.trim() === "") return [[INDENT], ""];
  const above = begun.map((text) => `${text}\n`).join("");
  const code = above + line;
  const { matches, start } = await complete(code, codePoints(code));
  const startInLine = start - codePoints(above);
  // What began in a line above cannot be changed any more.
  if (startInLine < 0) return [[], line];
  return [[...matches], [...line].slice(startInLine).join("")];
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
