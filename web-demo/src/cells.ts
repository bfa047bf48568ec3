import { type Execution, type ExecutionResult, type Session, ZerobootError } from "@zeroboot/sdk";
import { type CellHost, CellView } from "./cell-view.js";
import type { Transcript } from "./transcript.js";

/** Kept by the SDK of each stream, bytes: nothing here reads it, but what is shown must not be called cut. */
const MAX_KEPT_BYTES = 1024 * 1024;

interface Active {
  readonly execution: Execution;
  readonly view: CellView;
  interrupted: boolean;
}

/** What there is to interrupt. */
export type Interruptible = "nothing" | "running" | "interrupted";

/** The cells that have not ended: the first of them runs, the others wait for it. */
export class Cells {
  readonly #transcript: Transcript;
  readonly #host: CellHost;
  readonly #onChange: (state: Interruptible) => void;
  readonly #active: Active[] = [];
  #count = 0;

  constructor(transcript: Transcript, host: CellHost, onChange: (state: Interruptible) => void) {
    this.#transcript = transcript;
    this.#host = host;
    this.#onChange = onChange;
  }

  run(session: Session, code: string): void {
    const view = new CellView(++this.#count, code, this.#host);
    this.#transcript.add(view.element);
    const startedAt = performance.now();
    const execution = session.run(code, {
      onStdout: (text) => view.stdout(text),
      onStderr: (text) => view.stderr(text),
      onDisplay: (bundle) => view.shown(bundle),
      onInput: (request) => view.ask(request),
      maxOutputBytes: MAX_KEPT_BYTES,
    });
    const active: Active = { execution, view, interrupted: false };
    this.#active.push(active);
    this.#changed();
    execution.then(
      (result) => this.#ended(active, result, (performance.now() - startedAt) * 1000),
      (error: unknown) => this.#failed(active, error),
    );
  }

  /**
   * Interrupt the cell that runs. The second time the server may do more: end its child processes, and if that is
   * not enough, replace the virtual machine.
   */
  interrupt(): void {
    const [active] = this.#active;
    if (active === undefined) return;
    active.execution.interrupt(active.interrupted ? { after: "kill" } : {});
    active.interrupted = true;
    this.#changed();
  }

  #ended(active: Active, result: ExecutionResult, roundTripUs: number): void {
    const { text } = active.view.ended(result, roundTripUs);
    this.#leave(active, `Cell ${active.view.number}: ${text}`);
  }

  #failed(active: Active, error: unknown): void {
    const message =
      error instanceof ZerobootError
        ? `${error.message} (${error.code})`
        : error instanceof Error
          ? error.message
          : String(error);
    active.view.failed(message);
    this.#leave(active, `Cell ${active.view.number}: not finished`);
  }

  #leave(active: Active, words: string): void {
    this.#active.splice(this.#active.indexOf(active), 1);
    this.#host.announce(words);
    this.#host.grown();
    this.#changed();
  }

  #changed(): void {
    const [first] = this.#active;
    first?.view.started();
    this.#onChange(first === undefined ? "nothing" : first.interrupted ? "interrupted" : "running");
  }
}
