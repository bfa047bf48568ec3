import { byId, make } from "./dom.js";

/** What `/v1/health` says of the templates; anything else of an answer is passed over. */
export function templateNames(health: unknown): string[] {
  if (typeof health !== "object" || health === null || !("templates" in health)) return [];
  const { templates } = health;
  return typeof templates === "object" && templates !== null ? Object.keys(templates) : [];
}

/** Lets the reader choose what is forked, where there is a choice. */
export class TemplateChoice {
  // Not a label around it: the names of the templates would be part of what the choice is called.
  readonly #choice = byId("template-choice", HTMLElement);
  readonly #select = byId("template", HTMLSelectElement);

  /** @param choose a session of this template is asked for */
  constructor(choose: (name: string) => void) {
    this.#select.addEventListener("change", () => choose(this.#select.value));
  }

  /** Ask the server what there is. Without an answer there is no choice: the session says what is wrong. */
  async load(): Promise<void> {
    try {
      const answer = await fetch(new URL("v1/health", document.baseURI));
      this.#offer(templateNames(await answer.json()));
    } catch {
      this.#offer([]);
    }
  }

  /** A session has this template. */
  show(name: string): void {
    this.#select.value = name;
  }

  #offer(names: readonly string[]): void {
    const selected = this.#select.value;
    this.#select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
    if (names.includes(selected)) this.#select.value = selected;
    this.#choice.hidden = names.length < 2;
  }
}
