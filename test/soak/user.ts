import { ACTIONS } from "./actions/index.js";
import { LEAVING } from "./actions/leaving.js";
import { survey } from "./actions/state.js";
import { History } from "./history.js";
import { Mismatch } from "./mismatch.js";
import { Model } from "./model.js";
import type { Peer } from "./peer.js";
import type { Random } from "./random.js";
import { RawPeer } from "./raw-peer.js";
import { SdkPeer } from "./sdk-peer.js";
import type { Tally } from "./tally.js";
import { type Action, type Pace, Visit } from "./visit.js";

/** Connections that are broken off before there is a session, of all. */
const ABORTED_CONNECTS = 0.1;
const MAX_ACTIONS_PER_SESSION = 40;

export interface UserOptions {
  readonly name: string;
  readonly url: string;
  /** Its own: what one user does depends on no other. */
  readonly random: Random;
  readonly tally: Tally;
  readonly pace: Pace;
}

/** A mismatch, with what led to it. */
export interface Complaint {
  readonly user: string;
  readonly error: unknown;
  readonly history: string;
}

/** Somebody who has one session after another, does something random in each, and knows what must come of it. */
export class User {
  readonly #options: UserOptions;
  readonly #history = new History();
  #sessions = 0;

  constructor(options: UserOptions) {
    this.#options = options;
  }

  /** @returns what was wrong, if anything was */
  async live(until: AbortSignal): Promise<Complaint | undefined> {
    try {
      while (!until.aborted) {
        if (this.#options.random.chance(ABORTED_CONNECTS)) await this.#comesAndGoes();
        else await this.#visits(until);
      }
      return undefined;
    } catch (error) {
      return { user: this.#options.name, error, history: this.#history.toString() };
    }
  }

  async #visits(until: AbortSignal): Promise<void> {
    const { random, tally, pace, name } = this.#options;
    const peer = await this.#connects();
    tally.sessions++;
    const model = new Model(`${name}-${++this.#sessions}-${random.token()}`);
    const visit = new Visit(peer, model, random, tally, pace, this.#history);
    this.#history.note(`session ${peer.sessionId} of ${model.owner} (${peer.kind})`);
    try {
      for (let left = random.int(1, MAX_ACTIONS_PER_SESSION); left > 0 && !until.aborted; left--) {
        await this.#does(random.weighted(ACTIONS), visit);
      }
      await survey(visit);
      await this.#does(random.weighted(LEAVING), visit);
      const end = await visit.within("the session's end", peer.ended);
      if (end.startsWith("wrong")) throw new Mismatch(end);
    } finally {
      await peer.cut();
    }
  }

  async #does(action: Action, visit: Visit): Promise<void> {
    this.#history.note(`--- ${action.name}`);
    this.#options.tally.count(action.name);
    await action.run(visit);
  }

  async #connects(signal?: AbortSignal): Promise<Peer> {
    const { url, random, pace, tally } = this.#options;
    const start = performance.now();
    const client = random.chance(0.5) ? SdkPeer : RawPeer;
    const peer = await client.connect(url, pace.patienceMs, signal);
    tally.connectMs.push(performance.now() - start);
    return peer;
  }

  /** Gone again somewhere between the handshake and `ready`, or just after. */
  async #comesAndGoes(): Promise<void> {
    const { random, tally, pace } = this.#options;
    this.#history.note("--- connect and be gone");
    tally.count("connect and be gone");
    const gone = new AbortController();
    const timer = setTimeout(() => gone.abort(), random.next() * 30 * pace.slowness);
    try {
      const peer = await this.#connects(gone.signal);
      await peer.cut();
    } catch (error) {
      if (error instanceof Mismatch || !gone.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
