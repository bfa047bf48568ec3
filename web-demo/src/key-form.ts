import { byId } from "./dom.js";

/** Asks for an API key, which is handed on and not kept here. */
export class KeyForm {
  readonly #form = byId("key-form", HTMLFormElement);
  readonly #field = byId("key", HTMLInputElement);
  readonly #hint = byId("key-hint", HTMLElement);

  constructor(give: (key: string) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.#field.value;
      this.#field.value = "";
      give(key);
    });
  }

  /** @param refused the one that was given is not known */
  show(refused: boolean): void {
    const where = "The key stays in this page's memory until the page is closed.";
    this.#hint.textContent = refused ? `The server does not know that key. ${where}` : where;
    this.#form.hidden = false;
    this.#field.focus();
  }

  hide(): void {
    this.#form.hidden = true;
  }
}
