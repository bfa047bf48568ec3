import type { InputRequest } from "@zeroboot/sdk";
import type { LineSource } from "./line-queue.js";

/** Whoever sits at the REPL, or the pipe it reads. */
export interface Console extends LineSource {
  /** Output of a cell. Answers when more can be taken. */
  write(data: Uint8Array | string, stream: "stdout" | "stderr"): Promise<void>;
  /** An answer for the running cell; undefined at the end of input. */
  ask(request: InputRequest): Promise<string | undefined>;
  /** The running cell has ended and waits for no answer any more. */
  cancel(): void;
  /** A line about the session, apart from all output. */
  notice(text: string): void;
  /** No cell will be taken any more: whoever waits for one is told that the input has ended. */
  end(): void;
  /** Leave everything as it was. */
  close(): void;
}
