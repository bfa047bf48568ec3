/** Where in the cells the places are that stacks name by the scripts that were made of them. */

/** Cells whose positions are kept. */
const MAX_CELLS = 1000;
const PLACE = /(<cell \d+>):(\d+):(\d+)/;
const FRAME = /^ {4}at /;

/** @type {Map<string, {lines: number, shifts: {line: number, column: number, by: number}[]}>} */
const cells = new Map();

/**
 * @param {string} name
 * @param {number} lines of its source
 * @param {{line: number, column: number, by: number}[]} shifts what was inserted where: of the columns of a line from
 *   `column` on, `by` are ours
 */
export function rememberPositions(name, lines, shifts) {
  cells.set(name, { lines, shifts });
  if (cells.size > MAX_CELLS) cells.delete(cells.keys().next().value);
}

function originalLine(text) {
  const match = PLACE.exec(text);
  const cell = match === null ? undefined : cells.get(match[1]);
  if (cell === undefined) return text;
  const line = Number(match[2]);
  // What calls the function that a cell with await was put into.
  if (line > cell.lines) return undefined;
  let column = Number(match[3]);
  for (const shift of cell.shifts) {
    if (shift.line === line && column > shift.column) column = Math.max(shift.column, column - shift.by);
  }
  return text.replace(PLACE, `$1:${line}:${Math.max(1, column)}`);
}

/** A stack with the frames' places as they are in the cells. */
export function originalPositions(stack) {
  const lines = stack.split("\n").map((line) => (FRAME.test(line) ? originalLine(line) : line));
  return lines.filter((line) => line !== undefined).join("\n");
}

/** The agent's own warm-up leaves no trace. */
export function forgetPositions() {
  cells.clear();
}
