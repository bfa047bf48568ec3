import { type Edit, indent, newLine, outdent, type Selection } from "./editing.js";
import { History } from "./history.js";

const MIN_ROWS = 4;
const MAX_ROWS = 18;

/** The text area code is written in: Tab indents, Enter keeps the indent, arrows at its edges bring back earlier cells. */
export class CodeBox {
  readonly #area: HTMLTextAreaElement;
  readonly #history = new History();
  readonly #run: () => void;
  /** Escape was pressed: the next Tab moves the focus, as it does elsewhere. */
  #tabLeaves = false;

  constructor(area: HTMLTextAreaElement, run: () => void) {
    this.#area = area;
    this.#run = run;
    area.addEventListener("keydown", (event) => this.#onKey(event));
    area.addEventListener("input", () => this.#fit());
    area.addEventListener("blur", () => {
      this.#tabLeaves = false;
    });
  }

  get code(): string {
    return this.#area.value;
  }

  /** Put code into the box, ready to be changed or run. */
  show(code: string): void {
    this.#edit({ from: 0, to: this.code.length, insert: code, start: code.length, end: code.length });
    this.focus();
  }

  /** The code was run: empty the box and remember it. */
  clear(): void {
    this.#history.add(this.code);
    this.show("");
  }

  focus(): void {
    this.#area.focus();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const handled = this.#handle(event);
    if (event.key !== "Shift") this.#tabLeaves = event.key === "Escape";
    if (handled) event.preventDefault();
  }

  /** @returns whether the key has been seen to */
  #handle(event: KeyboardEvent): boolean {
    const withControl = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && (withControl || event.shiftKey)) {
      this.#run();
      return true;
    }
    if (withControl || event.altKey) return false;
    switch (event.key) {
      case "Tab":
        if (this.#tabLeaves) return false;
        this.#edit(event.shiftKey ? outdent(this.#selection) : indent(this.#selection));
        return true;
      case "Enter":
        this.#edit(newLine(this.#selection));
        return true;
      case "ArrowUp":
        return !event.shiftKey && this.#isAtEdge("before") && this.#recall(this.#history.older(this.code));
      case "ArrowDown":
        return !event.shiftKey && this.#isAtEdge("after") && this.#recall(this.#history.newer());
      default:
        return false;
    }
  }

  get #selection(): Selection {
    return { text: this.code, start: this.#area.selectionStart, end: this.#area.selectionEnd };
  }

  #isAtEdge(side: "before" | "after"): boolean {
    const { text, start, end } = this.#selection;
    if (start !== end) return false;
    return !(side === "before" ? text.slice(0, start) : text.slice(end)).includes("\n");
  }

  #recall(code: string | undefined): boolean {
    if (code !== undefined) this.show(code);
    return code !== undefined;
  }

  #edit({ from, to, insert, start, end }: Edit): void {
    const area = this.#area;
    area.focus();
    area.setSelectionRange(from, to);
    // Deprecated without a successor: nothing else leaves the browser's undo working.
    if (from !== to || insert !== "") {
      const command = insert === "" ? "delete" : "insertText";
      if (!document.execCommand(command, false, insert)) area.setRangeText(insert, from, to);
    }
    area.setSelectionRange(start, end);
    this.#fit();
  }

  #fit(): void {
    const lines = this.code.split("\n").length;
    this.#area.rows = Math.min(MAX_ROWS, Math.max(MIN_ROWS, lines + 1));
  }
}
