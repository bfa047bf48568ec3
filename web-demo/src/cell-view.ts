import type { ExecutionResult, InputRequest, MimeBundle } from "@zeroboot/sdk";
import { clip } from "./clip.js";
import { labelled, make } from "./dom.js";
import { InputLine } from "./input-line.js";
import { type Outcome, outcomeOf, timesOf } from "./outcome.js";
import { OutputView } from "./output-view.js";
import { pictureOf } from "./picture.js";

/** Shown of code, result and traceback each, UTF-16 code units. */
const MAX_TEXT_CHARS = 64 * 1024;
/** Of one cell. */
const MAX_PICTURES = 20;

/** What a cell needs of the page around it. */
export interface CellHost {
  /** The cell may have grown. */
  grown(): void;
  /** Say to who cannot see it. */
  announce(text: string): void;
  /** The cell had the focus and has no use for it any more. */
  returnFocus(): void;
}

/** One cell: its code, its output as it comes, and how it ended. */
export class CellView {
  readonly element: HTMLElement;
  readonly number: number;
  readonly #host: CellHost;
  readonly #output: OutputView;
  readonly #state: HTMLElement;
  readonly #times = make("span", { class: "times" });
  readonly #foot = make("div", { class: "values" });
  #input: InputLine | undefined;
  #inputs = 0;
  #pictures = 0;

  constructor(number: number, code: string, host: CellHost) {
    this.number = number;
    this.#host = host;
    this.#output = new OutputView(() => host.grown());
    this.#state = make("span", { class: "outcome" }, "queued");
    this.element = make(
      "article",
      { class: "cell", "aria-label": `Cell ${number}`, "data-tone": "running" },
      labelled("code", `[${number}]`, make("pre", {}, clip(code, MAX_TEXT_CHARS))),
      this.#output.element,
      this.#foot,
      make("p", { class: "summary" }, this.#state, this.#times),
    );
  }

  started(): void {
    this.#state.textContent = "running";
  }

  stdout(text: string): void {
    this.#output.add("stdout", text);
  }

  stderr(text: string): void {
    this.#output.add("stderr", text);
  }

  /** What the cell shows while it runs: text among its output, pictures below it. */
  shown(bundle: MimeBundle): void {
    const picture = pictureOf(bundle);
    if (picture === undefined) this.#output.add("stdout", `${bundle["text/plain"]}\n`);
    else this.#picture("shown", picture);
  }

  /** Ask for a line of input, below what has been written so far. */
  async ask(request: InputRequest): Promise<string | undefined> {
    this.#output.flush();
    const input = new InputLine(request, `input-${this.number}-${++this.#inputs}`);
    this.#input = input;
    this.#foot.append(input.element);
    input.takeFocus();
    this.#host.grown();
    this.#host.announce(`Cell ${this.number} asks for input`);
    const line = await input.answer;
    this.#input = undefined;
    if (input.hadFocus) this.#host.returnFocus();
    if (line !== undefined) {
      const shown = request.password ? "(not shown)" : clip(line, MAX_TEXT_CHARS);
      this.#output.add("input", `${request.prompt}${shown}\n`);
    }
    return line;
  }

  /** @returns how it ended, in words */
  ended(result: ExecutionResult, roundTripUs: number): Outcome {
    this.#finish();
    if (result.result !== undefined) this.#value(result.result);
    if (result.error !== undefined) this.#text("error", "error", result.error.traceback);
    const outcome = outcomeOf(result);
    this.element.dataset.tone = outcome.tone;
    this.#state.textContent = outcome.text;
    // What this page has left out, it says where it is missing.
    if (result.truncated && !this.#output.hasGap) {
      this.#note("The server has cut this cell's output, value or error.");
    }
    this.#times.textContent = timesOf(result.timings, roundTripUs);
    return outcome;
  }

  /** There is no result: it was refused, or its session has ended. */
  failed(message: string): void {
    this.#finish();
    this.element.dataset.tone = "failed";
    this.#state.textContent = "not finished";
    this.#note(message);
  }

  /** The last that happens to it. */
  #finish(): void {
    this.#input?.withdraw();
    this.#output.flush();
  }

  #value(bundle: MimeBundle): void {
    const picture = pictureOf(bundle);
    if (picture === undefined) this.#text("value", "value", bundle["text/plain"]);
    else this.#picture("value", picture);
  }

  #picture(label: string, picture: HTMLImageElement): void {
    if (++this.#pictures > MAX_PICTURES) {
      if (this.#pictures === MAX_PICTURES + 1) this.#note(`More than ${MAX_PICTURES} pictures are not shown.`);
      return;
    }
    this.#foot.append(labelled("picture", label, picture));
    picture.addEventListener("load", () => this.#host.grown(), { once: true });
    this.#host.grown();
  }

  #text(kind: string, label: string, text: string): void {
    this.#foot.append(labelled(kind, label, make("pre", {}, clip(text, MAX_TEXT_CHARS))));
  }

  #note(text: string): void {
    this.#foot.append(make("p", { class: "gap" }, text));
  }
}
