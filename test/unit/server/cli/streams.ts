import { PassThrough } from "node:stream";
import { poll } from "../../../helpers/poll.js";

type Stream = PassThrough & { readonly isTTY?: boolean };

/** Standard streams without a process: what is written can be read, what is typed arrives. */
export class FakeStreams {
  readonly stdin: Stream;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly #written = { stdout: "", stderr: "", both: "" };

  /** @param isTerminal as all three say of themselves */
  constructor(isTerminal = false) {
    const stream = (): Stream => Object.assign(new PassThrough(), isTerminal ? { isTTY: true } : {});
    this.stdin = stream();
    this.stdout = stream();
    this.stderr = stream();
    for (const name of ["stdout", "stderr"] as const) {
      this[name].on("data", (chunk: Buffer) => {
        this.#written[name] += chunk.toString();
        this.#written.both += chunk.toString();
      });
    }
  }

  get out(): string {
    return this.#written.stdout;
  }

  get err(): string {
    return this.#written.stderr;
  }

  /** Both, as a terminal shows them. */
  get shown(): string {
    return this.#written.both;
  }

  type(text: string): void {
    this.stdin.write(text);
  }

  /** Wait until this is on the terminal, behind what was waited for before. */
  async until(text: string): Promise<void> {
    await poll(`${JSON.stringify(text)} in ${JSON.stringify(this.shown.slice(-400))}`, 20_000, () =>
      this.shown.indexOf(text, this.#seen) >= 0 ? true : undefined,
    );
    this.#seen = this.shown.indexOf(text, this.#seen) + text.length;
  }

  #seen = 0;
}
