import type { LineSource } from "./line-queue.js";

/** What `session.check` says of code: whether it is a whole cell. */
export type CellStatus = "complete" | "incomplete" | "invalid";

const PROMPT = ">>> ";
const CONTINUATION = "... ";
/** First words of clauses that continue a block at its own indentation. */
const CLAUSE = /^(elif|else|except|finally)\b/;

/** Puts lines together to cells. */
export class CellReader {
  readonly #lines: LineSource;
  readonly #check: (code: string) => Promise<CellStatus>;
  readonly #runsUnfinished: boolean;
  readonly #cell: string[] = [];
  #ended = false;

  /**
   * @param check whether code is a whole cell
   * @param runsUnfinished what lacks an end when the input ends is a cell nevertheless, as in a file
   */
  constructor(lines: LineSource, check: (code: string) => Promise<CellStatus>, runsUnfinished: boolean) {
    this.#lines = lines;
    this.#check = check;
    this.#runsUnfinished = runsUnfinished;
  }

  /** The lines of the cell that is being read. */
  get begun(): readonly string[] {
    return this.#cell;
  }

  /** The next cell; undefined at the end of input. */
  async next(): Promise<string | undefined> {
    this.#cell.length = 0;
    while (!this.#ended) {
      const entry = await this.#lines.next(this.#cell.length === 0 ? PROMPT : CONTINUATION);
      if (entry.kind === "interrupt") {
        this.#cell.length = 0;
      } else if (entry.kind === "end") {
        this.#ended = true;
        const rest = this.#cell.splice(0);
        return this.#runsUnfinished && rest.length > 0 ? rest.join("\n") : undefined;
      } else if (await this.#add(entry.text)) {
        return this.#cell.splice(0).join("\n");
      }
    }
    return undefined;
  }

  /** Answers whether the cell is whole with this line. */
  async #add(line: string): Promise<boolean> {
    const isBlank = line.trim() === "";
    if (this.#cell.length === 0 && isBlank) return false;
    this.#cell.push(isBlank ? "" : line);
    const following = await this.#lines.peek();
    if (following !== undefined && continuesBlock(following)) return false;
    // A statement in the first column ends the block above it, as an empty line does for those who type.
    const isFollowed = following !== undefined && following.trim() !== "";
    return (await this.#check(this.#cell.join("\n") + (isFollowed ? "\n" : ""))) !== "incomplete";
  }
}

/** Whether a line can only go on with what stands above it; a prompt could not know, who has the next line does. */
function continuesBlock(line: string): boolean {
  return line.trim() !== "" && (/^\s/.test(line) || CLAUSE.test(line));
}
