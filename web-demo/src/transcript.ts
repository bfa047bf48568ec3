import { make } from "./dom.js";
import { formatCount } from "./units.js";

/** Cells and remarks in the document; beyond, the oldest go. */
const MAX_ENTRIES = 100;
/** So near the page's end its reader is following it, CSS pixels. */
const FOLLOWING_PX = 120;

/** The cells in their order, and what happened between them. */
export class Transcript {
  readonly #element: HTMLElement;
  readonly #dropped = make("p", { class: "remark" });
  #droppedCount = 0;
  /** The page's end is in sight, and is to stay there when it moves. */
  #following = true;

  constructor(element: HTMLElement) {
    this.#element = element;
    const root = document.documentElement;
    const onScroll = () => {
      this.#following = root.scrollHeight - root.clientHeight - window.scrollY < FOLLOWING_PX;
    };
    window.addEventListener("scroll", onScroll, { passive: true });
  }

  /** Add a cell, and bring it into sight. */
  add(entry: HTMLElement): void {
    this.#append(entry);
    this.#following = true;
    this.grown();
  }

  /** Something that is no cell's: a session that ended, a virtual machine that was replaced. */
  remark(text: string): void {
    this.#append(make("p", { class: "remark" }, text));
    this.grown();
  }

  /** The page has become longer: who was at its end stays there. */
  grown(): void {
    if (this.#following) window.scrollTo(0, document.documentElement.scrollHeight);
  }

  get isEmpty(): boolean {
    return this.#element.childElementCount === 0;
  }

  #append(entry: HTMLElement): void {
    this.#element.append(entry);
    while (this.#element.childElementCount > MAX_ENTRIES + (this.#dropped.isConnected ? 1 : 0)) {
      const oldest = this.#dropped.isConnected ? this.#dropped.nextElementSibling : this.#element.firstElementChild;
      oldest?.remove();
      this.#droppedCount++;
      this.#dropped.textContent = `${formatCount(this.#droppedCount)} earlier entries are no longer shown`;
      if (!this.#dropped.isConnected) this.#element.prepend(this.#dropped);
    }
  }
}
