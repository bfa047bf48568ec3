import type { InputRequest } from "@zeroboot/sdk";
import { make } from "./dom.js";

/** A line a cell has asked for. */
export class InputLine {
  readonly element: HTMLFormElement;
  /** What was typed; undefined for end of file, or if the cell has ended without it. */
  readonly answer: Promise<string | undefined>;
  readonly #field: HTMLInputElement;
  #hadFocus = false;
  #settle!: (line: string | undefined) => void;

  constructor(request: InputRequest, id: string) {
    const prompt = request.prompt === "" ? "input" : request.prompt;
    this.answer = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#field = make("input", {
      id,
      type: request.password ? "password" : "text",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
    });
    const endOfFile = make(
      "button",
      { type: "button", title: "The cell reads the end of its input (Ctrl+D)" },
      "End of file",
    );
    this.element = make(
      "form",
      { class: "input-line" },
      make("label", { for: id }, prompt),
      this.#field,
      make("button", { type: "submit", class: "primary" }, "Send"),
      endOfFile,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#end(this.#field.value);
    });
    endOfFile.addEventListener("click", () => this.#end(undefined));
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "d" || !event.ctrlKey || this.#field.value !== "") return;
      event.preventDefault();
      this.#end(undefined);
    });
  }

  /** Take the focus, unless it is where somebody is writing. */
  takeFocus(): void {
    const active = document.activeElement;
    if (!(active instanceof HTMLTextAreaElement && active.value !== "")) this.#field.focus();
  }

  /** Whether the focus was here when the line was answered. */
  get hadFocus(): boolean {
    return this.#hadFocus;
  }

  /** Nobody waits for the line any more. */
  withdraw(): void {
    this.#end(undefined);
  }

  #end(line: string | undefined): void {
    this.#hadFocus = this.element.contains(document.activeElement);
    this.element.remove();
    this.#settle(line);
  }
}
