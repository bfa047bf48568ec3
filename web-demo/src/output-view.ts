import { BoundedOutput, type Piece, type PieceKind } from "./bounded-output.js";
import { labelled, make } from "./dom.js";
import { formatCount } from "./units.js";

/** Streams are told apart by a word, and by colour only beside it. */
const LABELS: Readonly<Record<PieceKind, string>> = { stdout: "out", stderr: "err", input: "in" };

/** So near the output's end its reader is following it, CSS pixels. */
const FOLLOWING_PX = 40;

interface Row {
  readonly element: HTMLElement;
  readonly text: Text;
}

/**
 * Shows a {@link BoundedOutput}. However fast output comes, the document changes once per frame that is drawn, and
 * not at all while nobody looks at the page.
 */
export class OutputView {
  readonly element = make("div", { class: "output" });
  readonly #output = new BoundedOutput();
  readonly #rows = new Map<Piece, Row>();
  readonly #gap = make("p", { class: "gap" });
  readonly #onDrawn: () => void;
  #frame: number | undefined;

  /** @param onDrawn the document has changed */
  constructor(onDrawn: () => void) {
    this.#onDrawn = onDrawn;
  }

  get hasGap(): boolean {
    return this.#output.leftOut > 0;
  }

  add(kind: PieceKind, text: string): void {
    this.#output.add(kind, text);
    this.#frame ??= requestAnimationFrame(() => this.flush());
  }

  /** Show all of it now. */
  flush(): void {
    if (this.#frame === undefined) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    const { head, tail, leftOut } = this.#output;
    const following = this.#endIsInSight;
    const shown = new Set<Piece>([...head, ...tail]);
    for (const [piece, { element }] of this.#rows) {
      if (shown.has(piece)) continue;
      element.remove();
      this.#rows.delete(piece);
    }
    for (const piece of head) this.#show(piece);
    if (leftOut > 0) {
      this.#gap.textContent = `${formatCount(leftOut)} characters are left out here`;
      // Rows of the head stand before it, and stay: the head has ended.
      if (!this.#gap.isConnected) this.element.insertBefore(this.#gap, this.#firstOf(tail));
    }
    for (const piece of tail) this.#show(piece);
    this.#makeScrollable(following);
    this.#onDrawn();
  }

  #firstOf(pieces: readonly Piece[]): Node | null {
    for (const piece of pieces) {
      const row = this.#rows.get(piece);
      if (row !== undefined) return row.element;
    }
    return null;
  }

  #show(piece: Piece): void {
    const row = this.#rows.get(piece) ?? this.#addRow(piece);
    if (row.text.data !== piece.text) row.text.data = piece.text;
  }

  #addRow(piece: Piece): Row {
    const text = document.createTextNode("");
    const row = { element: labelled(piece.kind, LABELS[piece.kind], make("pre", {}, text)), text };
    this.#rows.set(piece, row);
    this.element.append(row.element);
    return row;
  }

  get #endIsInSight(): boolean {
    const { scrollHeight, clientHeight, scrollTop } = this.element;
    return scrollHeight - clientHeight - scrollTop < FOLLOWING_PX;
  }

  /** Long output scrolls within its cell, and can be reached by keyboard. */
  #makeScrollable(following: boolean): void {
    const { element } = this;
    if (element.scrollHeight <= element.clientHeight) return;
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Output");
    if (following) element.scrollTop = element.scrollHeight;
  }
}
