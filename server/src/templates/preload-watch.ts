/** What agents write to the console around a template's preload. */
const MARK = /zeroboot: preload (begins|ended|failed)/;
const KEPT_CHARS = 16 * 1024;

/** Follows a guest's console, to tell whether a boot failed in the template's preload. */
export class PreloadWatch {
  #state: "none" | "begins" | "ended" | "failed" = "none";
  #said = "";

  /** @param line of console text, as it comes: the guest's, hostile */
  console(line: string): void {
    const mark = MARK.exec(line)?.[1];
    if (mark === "begins" || mark === "ended" || mark === "failed") this.#state = mark;
    if (mark === "begins") this.#said = "";
    else if (mark === undefined) this.#said = (this.#said + line).slice(-KEPT_CHARS);
  }

  /** What the preload wrote, if that is where the boot failed, and in one line why. */
  get failure(): { readonly why: string; readonly console: string } | undefined {
    if (this.#state === "none" || this.#state === "ended") return undefined;
    const lines = this.#said
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    // A traceback ends in what was raised; the kernel and the interpreter's watchdog say it when they end the agent.
    const ended = lines.find((line) => /Out of memory: Killed process|^Timeout \([\d:.]+\)!$/.test(line));
    const why = this.#state === "failed" ? lines.at(-1) : ended;
    return { why: clean(why ?? "it did not end"), console: this.#said };
  }
}

/** Guest text goes onto the user's terminal: no control characters. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 300);
}
