/** Edits of a code box, without one: each takes the text and its selection and says what to put where. */

const INDENT = "    ";

export interface Selection {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Put `insert` in place of `[from, to)`; then the selection is `[start, end)`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  readonly start: number;
  readonly end: number;
}

/** Tab: spaces up to the next stop, or all lines of the selection moved right. */
export function indent({ text, start, end }: Selection): Edit {
  if (!text.slice(start, end).includes("\n")) {
    const column = start - lineStart(text, start);
    const insert = INDENT.slice(column % INDENT.length);
    return { from: start, to: end, insert, start: start + insert.length, end: start + insert.length };
  }
  return eachLine({ text, start, end }, (line) => (line === "" ? line : INDENT + line));
}

/** Shift+Tab: the line of the cursor, or all lines of the selection, moved left. */
export function outdent(selection: Selection): Edit {
  return eachLine(selection, (line) => line.slice(leadingSpaces(line, INDENT.length)));
}

/** Enter: a new line, as far in as this one, and further after a colon. */
export function newLine({ text, start, end }: Selection): Edit {
  const line = text.slice(lineStart(text, start), start);
  const deeper = /:\s*(#.*)?$/.test(line) ? INDENT : "";
  const insert = `\n${line.slice(0, leadingSpaces(line, line.length))}${deeper}`;
  return { from: start, to: end, insert, start: start + insert.length, end: start + insert.length };
}

function eachLine({ text, start, end }: Selection, change: (line: string) => string): Edit {
  const from = lineStart(text, start);
  // A selection that ends where a line begins does not mean that line.
  const last = end > start && text[end - 1] === "\n" ? end - 1 : end;
  const next = text.indexOf("\n", last);
  const to = next === -1 ? text.length : next;
  const lines = text.slice(from, to).split("\n");
  const changed = lines.map(change);
  const insert = changed.join("\n");
  const firstMoved = (changed[0]?.length ?? 0) - (lines[0]?.length ?? 0);
  return {
    from,
    to,
    insert,
    start: Math.max(from, start + firstMoved),
    end: Math.max(from, end + insert.length - (to - from)),
  };
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}

function leadingSpaces(line: string, most: number): number {
  let count = 0;
  while (count < most && line[count] === " ") count++;
  return count;
}
