import { creditCost } from "./protocol/credit.js";
import type { DisplayFrame, MimeBundle, StderrFrame, StdoutFrame } from "./protocol/frames.js";

/** A piece of what a program puts out. */
export type OutputEvent =
  | { readonly type: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "display"; readonly bundle: MimeBundle };

type Waiter = { resolve: (result: IteratorResult<OutputEvent>) => void; reject: (error: unknown) => void };

/**
 * Everything an execution puts out, in its order. Attached to by whoever iterates, before there is output: that is,
 * in the turn in which it was run. What has not been reached yet holds the guest back.
 */
export class OutputEvents implements AsyncIterable<OutputEvent> {
  readonly #consumed: (bytes: number) => void;
  readonly #decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true }),
  };
  readonly #queue: { readonly event: OutputEvent; readonly cost: number }[] = [];
  #attached = false;
  #waiter: Waiter | undefined;
  #end: { readonly error: unknown } | undefined;

  /** @param consumed this many bytes need not be held for anybody any more */
  constructor(consumed: (bytes: number) => void) {
    this.#consumed = consumed;
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** Takes over the frame's credit. Only while {@link attached}. */
  push(frame: StdoutFrame | StderrFrame | DisplayFrame): void {
    const cost = creditCost(frame);
    if (this.#end !== undefined) return this.#consumed(cost);
    if (frame.type === "display") return this.#offer({ type: "display", bundle: frame.bundle }, cost);
    const text = this.#decoders[frame.type].decode(frame.data, { stream: true });
    if (text === "") this.#consumed(cost);
    else this.#offer({ type: frame.type, text }, cost);
  }

  /** Nothing follows. Idempotent. */
  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    for (const type of ["stdout", "stderr"] as const) {
      const text = this.#attached ? this.#decoders[type].decode() : "";
      if (text !== "") this.#offer({ type, text }, 0);
    }
    this.#end = { error };
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (error === undefined) waiter?.resolve({ done: true, value: undefined });
    else waiter?.reject(error);
  }

  /** @throws TypeError the second time */
  [Symbol.asyncIterator](): AsyncIterator<OutputEvent> {
    if (this.#attached) throw new TypeError("the output of an execution can be iterated only once");
    this.#attached = true;
    return { next: () => this.#next(), return: () => this.#detach() };
  }

  #offer(event: OutputEvent, cost: number): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#queue.push({ event, cost });
    else {
      this.#consumed(cost);
      waiter.resolve({ done: false, value: event });
    }
  }

  #next(): Promise<IteratorResult<OutputEvent>> {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#consumed(queued.cost);
      return Promise.resolve({ done: false, value: queued.event });
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiter !== undefined) return Promise.reject(new TypeError("next() was called while one is pending"));
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** Nobody wants the rest. */
  #detach(): Promise<IteratorResult<OutputEvent>> {
    this.end();
    for (const { cost } of this.#queue.splice(0)) this.#consumed(cost);
    return Promise.resolve({ done: true, value: undefined });
  }
}
