/** What a piece of a cell's output is. `input`: what was asked for and answered. */
export type PieceKind = "stdout" | "stderr" | "input";

/** Neighbouring output of one kind. */
export interface Piece {
  readonly kind: PieceKind;
  readonly text: string;
}

export interface OutputBounds {
  /** Kept of the beginning, and of the end, UTF-16 code units. */
  readonly chars: number;
  /** Kept of the beginning, and of the end: streams that alternate come in many small pieces. */
  readonly pieces: number;
}

export const DEFAULT_OUTPUT_BOUNDS: OutputBounds = { chars: 32 * 1024, pieces: 200 };

/** Of longer lines, the page shows a part rather than none, UTF-16 code units. */
const LONG_LINE = 1024;

type Growing = { kind: PieceKind; text: string };

/**
 * The output of one cell as far as a page can hold it: its beginning, and what came last. The end is cut when it
 * is twice as long as it need be, so that adding costs the same however much has come.
 */
export class BoundedOutput {
  readonly #bounds: OutputBounds;
  readonly #head: Growing[] = [];
  readonly #tail: Growing[] = [];
  #headChars = 0;
  #tailChars = 0;
  #headIsFull = false;
  #leftOut = 0;

  constructor(bounds: OutputBounds = DEFAULT_OUTPUT_BOUNDS) {
    this.#bounds = bounds;
  }

  get head(): readonly Piece[] {
    return this.#head;
  }

  /** Follows the head, after what was left out. */
  get tail(): readonly Piece[] {
    return this.#tail;
  }

  /** UTF-16 code units between head and tail. */
  get leftOut(): number {
    return this.#leftOut;
  }

  add(kind: PieceKind, text: string): void {
    const rest = this.#headIsFull ? text : this.#addToHead(kind, text);
    if (rest === "") return;
    join(this.#tail, kind, rest);
    this.#tailChars += rest.length;
    const { chars, pieces } = this.#bounds;
    if (this.#tailChars > 2 * chars || this.#tail.length > 2 * pieces) this.#cutTail();
  }

  /** @returns what had no room */
  #addToHead(kind: PieceKind, text: string): string {
    const wantsPiece = this.#head.at(-1)?.kind !== kind;
    if (wantsPiece && this.#head.length === this.#bounds.pieces) {
      this.#headIsFull = true;
      return text;
    }
    const room = this.#bounds.chars - this.#headChars;
    const taken = text.length <= room ? text.length : endOfHead(text, room);
    if (taken > 0) join(this.#head, kind, text.slice(0, taken));
    this.#headChars += taken;
    this.#headIsFull = taken < text.length;
    return text.slice(taken);
  }

  #cutTail(): void {
    while (this.#tail.length > this.#bounds.pieces) this.#drop(this.#tail[0]?.text.length ?? 0);
    while (this.#tailChars > this.#bounds.chars) {
      const first = this.#tail[0]?.text ?? "";
      const excess = this.#tailChars - this.#bounds.chars;
      this.#drop(excess >= first.length ? first.length : startOfTail(first, excess));
    }
  }

  /** Leave out the first `chars` of the tail, all within its first piece. */
  #drop(chars: number): void {
    const first = this.#tail[0];
    if (first === undefined) return;
    if (chars === first.text.length) this.#tail.shift();
    else first.text = first.text.slice(chars);
    this.#tailChars -= chars;
    this.#leftOut += chars;
  }
}

function join(pieces: Growing[], kind: PieceKind, text: string): void {
  const last = pieces.at(-1);
  if (last?.kind === kind) last.text += text;
  else pieces.push({ kind, text });
}

/** Where to end the head in a text that is longer than there is room: after a line, if there is one. */
function endOfHead(text: string, room: number): number {
  // It may be one beyond already, for a character that was not cut.
  if (room <= 0) return 0;
  const line = text.lastIndexOf("\n", room - 1) + 1;
  return line > 0 ? line : characterBoundary(text, room);
}

/** Where to begin the tail in a text that is too long by `excess`: at a line, if one begins soon. */
function startOfTail(text: string, excess: number): number {
  const line = text.indexOf("\n", excess - 1) + 1;
  return line > 0 && line - excess < LONG_LINE ? line : characterBoundary(text, excess);
}

/** `at`, or the place after it where it would part the two halves of a character. */
function characterBoundary(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff ? at + 1 : at;
}
