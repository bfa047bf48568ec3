import { ZerobootError } from "./errors.js";
import type { ClientFrame } from "./protocol/frames.js";
import { MAX_QUEUED_STDIN_BYTES, MAX_STDIN_CHUNK_BYTES } from "./protocol/limits.js";

/** Kept for a cell that does not read, bytes, before `write` fails. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** Until input that the server had no room for is sent again, milliseconds; twice as long each time. */
const FIRST_RETRY_MS = 20;
const LONGEST_RETRY_MS = 500;

/** What a {@link StdinWriter} needs of its session. */
export interface StdinHost {
  /** @throws ZerobootError `send_queue_full` */
  send(frame: ClientFrame): void;
  /** Resolves when the server has dealt with all that was sent. */
  settled(): Promise<unknown>;
}

/**
 * Standard input of one execution, in order and without holes, however slowly it is read.
 *
 * A server holds `MAX_QUEUED_STDIN_BYTES` for a cell, and refuses a frame beyond: so much goes out at once.
 * From then on one frame is under way at a time, and is sent again while it is refused.
 */
export class StdinWriter {
  readonly #id: string;
  readonly #host: StdinHost;
  readonly #onError: (error: unknown) => void;
  /** Bytes the server has room for whatever the cell does. */
  #roomLeft = MAX_QUEUED_STDIN_BYTES;
  readonly #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #underWay = false;
  #refused = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #eof = false;
  #ended = false;
  readonly #awaitingRoom: (() => void)[] = [];

  /** @param onError input can no longer be delivered; at most once */
  constructor(id: string, host: StdinHost, onError: (error: unknown) => void) {
    this.#id = id;
    this.#host = host;
    this.#onError = onError;
  }

  /** @throws ZerobootError `send_queue_full` */
  write(bytes: Uint8Array): void {
    if (this.#unsentBytes + bytes.length > MAX_UNSENT_BYTES) {
      throw new ZerobootError("send_queue_full", `the program leaves ${MAX_UNSENT_BYTES} bytes of input unread`);
    }
    this.writeAll(bytes);
  }

  /** As {@link write}, for however much. */
  writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_STDIN_CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + MAX_STDIN_CHUNK_BYTES);
      if (this.#unsent.length === 0 && !this.#underWay && chunk.length <= this.#roomLeft) {
        this.#roomLeft -= chunk.length;
        this.#send(chunk);
        continue;
      }
      // A copy, which `slice` of a Buffer is not: whose it is may use it again.
      this.#unsent.push(new Uint8Array(chunk));
      this.#unsentBytes += chunk.length;
    }
    this.#advance();
  }

  /** Resolves when nothing is kept here: the server has room for more, or the execution has ended. */
  drained(): Promise<void> {
    if (this.#unsent.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#awaitingRoom.push(resolve));
  }

  /** Nothing follows. */
  close(): void {
    this.#eof = true;
    this.#advance();
  }

  /** The server had no room for a frame. @returns whether it is sent again */
  refused(): boolean {
    // One of the first, which the server had to take: what came behind it may be taken, and would make a hole.
    if (!this.#underWay) return false;
    this.#refused = true;
    return true;
  }

  /** The execution has ended: nothing more is sent. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#unsent.length = 0;
    this.#unsentBytes = 0;
    this.#tellDrained();
  }

  #advance(): void {
    if (this.#ended || this.#underWay) return;
    const [chunk] = this.#unsent;
    if (chunk !== undefined) {
      this.#underWay = true;
      this.#send(chunk);
      this.#host.settled().then(
        () => this.#settled(),
        (error) => this.#fail(error),
      );
    } else if (this.#eof) {
      this.#eof = false;
      this.#host.send({ type: "stdin", id: this.#id, data: new Uint8Array(0), eof: true });
    }
  }

  #settled(): void {
    if (this.#ended) return;
    if (this.#refused) {
      this.#refused = false;
      this.#retry = setTimeout(() => this.#again(), this.#retryMs);
      this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
      return;
    }
    this.#retryMs = FIRST_RETRY_MS;
    this.#unsentBytes -= this.#unsent.shift()?.length ?? 0;
    if (this.#unsent.length === 0) this.#tellDrained();
    this.#again();
  }

  #again(): void {
    this.#underWay = false;
    try {
      this.#advance();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tellDrained(): void {
    for (const resolve of this.#awaitingRoom.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.end();
    this.#onError(error);
  }

  #send(data: Uint8Array): void {
    this.#host.send({ type: "stdin", id: this.#id, data });
  }
}
