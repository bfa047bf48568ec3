import type { ConnectionState } from "./connection.js";
import { byId, make } from "./dom.js";
import { formatCount, formatMicroseconds } from "./units.js";

/** The line at the page's top: how the session stands, and what was measured of it. */
export class StateBar {
  readonly #state = byId("state", HTMLElement);
  readonly #text = byId("state-text", HTMLElement);
  readonly #facts = byId("facts", HTMLElement);
  readonly #renew = byId("renew", HTMLButtonElement);
  readonly #forkTime = make("dd");

  /** @param renew a new session is asked for */
  constructor(renew: () => void) {
    this.#renew.addEventListener("click", renew);
  }

  show(state: ConnectionState): void {
    this.#state.dataset.state = state.kind;
    this.#text.textContent = state.kind === "starting" ? state.message : WORDS[state.kind];
    this.#renew.textContent = state.kind === "closed" ? "Reconnect" : "New session";
    this.#renew.hidden = state.kind === "keyNeeded";
    this.#facts.replaceChildren();
    if (state.kind !== "ready") return;
    const { session, connectUs } = state;
    this.showForkTime(session.forkTimeUs);
    this.#fact("fork", "Time the server took to fork the virtual machine", this.#forkTime);
    const connect = make("dd", { id: "connect-time" }, formatMicroseconds(connectUs));
    this.#fact("connect to ready", "From asking for the connection to the session being ready, in this page", connect);
    this.#fact("template", "What was forked", make("dd", {}, session.template));
    this.#fact("memory", "Of the virtual machine", make("dd", {}, `${formatCount(session.limits.memoryMb)}\u00a0MiB`));
  }

  showForkTime(us: number): void {
    this.#forkTime.id = "fork-time";
    this.#forkTime.textContent = formatMicroseconds(us);
  }

  #fact(name: string, title: string, value: HTMLElement): void {
    this.#facts.append(make("div", { title }, make("dt", {}, name), value));
  }
}

const WORDS: Readonly<Record<Exclude<ConnectionState["kind"], "starting">, string>> = {
  connecting: "connecting",
  ready: "connected",
  keyNeeded: "an API key is needed",
  closed: "not connected",
};
