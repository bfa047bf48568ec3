/**
 * process.stdin of each cell: what its client sends. At its end unless the client keeps it open, and discarded with
 * the cell. The client is asked for more when the cell waits for it and there is nothing.
 */
import { Readable } from "node:stream";
import { link } from "./link.mjs";

/** The stream that waits for bytes. */
let waiting;
let stream;

class CellInput extends Readable {
  constructor() {
    super({ highWaterMark: 0 });
    this.fd = 0;
    this.isTTY = false;
  }

  _read() {
    const bytes = link.takeInput();
    if (bytes === undefined) waiting = this;
    else this.push(bytes);
  }
}

/** Whether somebody waits for input. */
export function isWanted() {
  return waiting !== undefined && !waiting.destroyed && !waiting.isPaused();
}

/** Bytes may have come. Whether the stream has moved. */
function deliver() {
  const bytes = link.takeInput();
  if (bytes === undefined) return false;
  const reader = waiting;
  waiting = undefined;
  reader.push(bytes);
  return true;
}

let asked;

/**
 * Wait for what is wanted. With a loop that is alive only ask: the wake-up line tells when to come again.
 * @returns {boolean} false when there is nothing yet
 */
export function waitForInput(loopIsAlive) {
  if (!isWanted()) return false;
  if (deliver()) {
    asked = undefined;
    return true;
  }
  if (asked !== waiting) link.requestInput("");
  asked = waiting;
  if (!link.awaitInput(loopIsAlive)) return false;
  asked = undefined;
  return deliver();
}

export function endInput() {
  waiting = undefined;
  asked = undefined;
  link.endInput();
  const old = stream;
  stream = undefined;
  old?.destroy();
}

export function installInput() {
  Object.defineProperty(process, "stdin", {
    configurable: true,
    enumerable: true,
    get() {
      stream ??= new CellInput();
      return stream;
    },
  });
}
