/** process.stdout and process.stderr: what is written is in the link when write() returns. */
import { Writable } from "node:stream";
import { GUEST, link } from "./link.mjs";

/** What the console gives to write(). */
const CONSOLES = new Set([console._stdoutErrorHandler, console._stderrErrorHandler]);

class Output extends Writable {
  #kind;

  constructor(kind, fd) {
    super({ decodeStrings: false });
    this.#kind = kind;
    this.fd = fd;
    this.isTTY = false;
    this._type = "pipe";
    this._isStdio = true;
  }

  write(chunk, encoding, callback) {
    const done = typeof encoding === "function" ? encoding : callback;
    if (typeof chunk === "string") {
      const isText = typeof encoding !== "string" || /^utf-?8$/i.test(encoding);
      link.write(this.#kind, isText ? chunk : Buffer.from(chunk, encoding));
    } else if (ArrayBuffer.isView(chunk)) {
      link.write(this.#kind, chunk);
    } else {
      const given = chunk === null ? "null" : typeof chunk;
      throw Object.assign(
        new TypeError(`The "chunk" argument must be of type string or an instance of Buffer. Received ${given}`),
        { code: "ERR_INVALID_ARG_TYPE" },
      );
    }
    // The console's own does nothing without an error, and here is none.
    if (typeof done === "function" && !CONSOLES.has(done)) process.nextTick(done, null);
    return true;
  }

  /** Not closed: later cells write to it too. */
  end(chunk, encoding, callback) {
    if (chunk !== undefined && chunk !== null && typeof chunk !== "function") this.write(chunk, encoding);
    const done = [chunk, encoding, callback].find((of) => typeof of === "function");
    if (done !== undefined) process.nextTick(done);
    return this;
  }

  destroy() {
    return this;
  }

  _destroy(_error, callback) {
    callback();
  }
}

export function installOutput() {
  for (const [name, kind, fd] of [
    ["stdout", GUEST.STDOUT, 1],
    ["stderr", GUEST.STDERR, 2],
  ]) {
    const stream = new Output(kind, fd);
    // Else the console adds one and takes it away again, each time it writes. Alone it does what none would do.
    stream.on("error", (error) => {
      if (stream.listenerCount("error") === 1) throw error;
    });
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
}
