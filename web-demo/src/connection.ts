import { Session, type SessionRestart, ZerobootError } from "@zeroboot/sdk";

/** While the server makes the template, milliseconds between two tries. */
const RETRY_MS = 1000;

/** Where the page's session stands. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  /** The server is making the template. It is asked again by itself. */
  | { readonly kind: "starting"; readonly message: string }
  /** @property connectUs from asking for the connection to its `ready`, measured here, microseconds */
  | { readonly kind: "ready"; readonly session: Session; readonly connectUs: number }
  /** The server wants an API key, or another one than was given. */
  | { readonly kind: "keyNeeded"; readonly refused: boolean }
  /** @property hadSession whether there was one, which is gone with all it held */
  | { readonly kind: "closed"; readonly code: string; readonly message: string; readonly hadSession: boolean };

export interface ConnectionHandlers {
  onState(state: ConnectionState): void;
  /** The session goes on in a fresh virtual machine. */
  onRestart(restart: SessionRestart): void;
}

/**
 * The page's session, one at a time. A session that ends is not replaced by itself: what it held is gone, and
 * whoever worked in it decides when to begin anew. The API key is in memory only.
 */
export class Connection {
  readonly #handlers: ConnectionHandlers;
  #session: Session | undefined;
  #apiKey: string | undefined;
  #template: string | undefined;
  #attempt: AbortController | undefined;

  constructor(handlers: ConnectionHandlers) {
    this.#handlers = handlers;
  }

  /** The session, while it is there. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** What is forked from now on; the server's default until then. */
  set template(name: string) {
    this.#template = name;
  }

  /** Begin a new session, in place of the one there is. @param apiKey to be used from now on */
  connect(apiKey = this.#apiKey): void {
    this.#apiKey = apiKey;
    this.#attempt?.abort();
    const attempt = new AbortController();
    this.#attempt = attempt;
    const old = this.#session;
    this.#session = undefined;
    void old?.close();
    this.#handlers.onState({ kind: "connecting" });
    void this.#open(attempt.signal);
  }

  async #open(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    try {
      const session = await Session.connect({
        // Beside the page, also where a proxy has put both below a path.
        url: new URL(".", document.baseURI).href,
        signal,
        onRestart: (restart) => {
          if (!signal.aborted) this.#handlers.onRestart(restart);
        },
        ...(this.#apiKey === undefined ? {} : { apiKey: this.#apiKey }),
        ...(this.#template === undefined ? {} : { template: this.#template }),
      });
      if (signal.aborted) return void session.close();
      this.#session = session;
      this.#handlers.onState({ kind: "ready", session, connectUs: (performance.now() - startedAt) * 1000 });
      const { code, message } = await session.closed;
      if (signal.aborted) return;
      this.#session = undefined;
      this.#handlers.onState({ kind: "closed", code, message, hadSession: true });
    } catch (error) {
      if (!signal.aborted) this.#failed(error, signal);
    }
  }

  #failed(error: unknown, signal: AbortSignal): void {
    const code = error instanceof ZerobootError ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    if (code === "starting" || code === "template_building") {
      this.#handlers.onState({ kind: "starting", message });
      setTimeout(() => void (signal.aborted || this.#open(signal)), RETRY_MS);
    } else if (code === "unauthorized") {
      this.#handlers.onState({ kind: "keyNeeded", refused: this.#apiKey !== undefined });
    } else {
      this.#handlers.onState({ kind: "closed", code, message, hadSession: false });
    }
  }
}
