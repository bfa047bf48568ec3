import type { FailureCode } from "@zeroboot/sdk/protocol";
import type { Session, SessionState } from "./session.js";

/** What is told of a session to whom it belongs. */
export interface SessionListing {
  readonly id: string;
  readonly template: string;
  readonly state: SessionState;
  /** ISO 8601. */
  readonly created_at: string;
}

/** How many there are, for who counts them. */
export interface SessionCensus {
  readonly max: number;
  /** Cells and questions that wait for their turn, of all sessions. */
  readonly waitingJobs: number;
  readonly byTemplateAndState: readonly {
    readonly template: string;
    readonly state: SessionState;
    readonly count: number;
  }[];
}

interface Entry {
  readonly session: Session;
  readonly owner: string | undefined;
  readonly createdAt: Date;
}

/** The sessions there are, from their making to the end of their VM. Their number is bounded, in all and by owner. */
export class SessionRegistry {
  readonly #maxSessions: number;
  readonly #maxPerOwner: number;
  readonly #sessions = new Map<string, Entry>();
  readonly #byOwner = new Map<string, number>();
  #onEmpty: (() => void) | undefined;

  constructor(maxSessions: number, maxPerOwner: number = maxSessions) {
    this.#maxSessions = maxSessions;
    this.#maxPerOwner = maxPerOwner;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Why `owner` may not have one more. */
  refusal(owner: string | undefined): FailureCode | undefined {
    if (this.#sessions.size >= this.#maxSessions) return "capacity_exhausted";
    if (owner !== undefined && (this.#byOwner.get(owner) ?? 0) >= this.#maxPerOwner) return "key_capacity_exhausted";
    return undefined;
  }

  /** @param owner undefined: nobody's in particular, hence everybody's */
  add(session: Session, owner: string | undefined): void {
    this.#sessions.set(session.id, { session, owner, createdAt: new Date() });
    if (owner !== undefined) this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? 0) + 1);
  }

  remove(id: string): void {
    const entry = this.#sessions.get(id);
    if (entry === undefined) return;
    this.#sessions.delete(id);
    if (entry.owner !== undefined) this.#release(entry.owner);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  /** One that is not over, though its VM may still be ending. @param owner undefined: whoever's */
  find(id: string, owner: string | undefined): Session | undefined {
    const entry = this.#sessions.get(id);
    return entry !== undefined && isHad(entry, owner) ? entry.session : undefined;
  }

  /** Those that are not over, oldest first. @param owner undefined: all */
  list(owner: string | undefined): SessionListing[] {
    return [...this.#sessions.values()]
      .filter((entry) => isHad(entry, owner))
      .map(({ session, createdAt }) => ({
        id: session.id,
        template: session.templateName,
        state: session.state,
        created_at: createdAt.toISOString(),
      }));
  }

  census(): SessionCensus {
    let waitingJobs = 0;
    const counts = new Map<string, { template: string; state: SessionState; count: number }>();
    for (const { session } of this.#sessions.values()) {
      waitingJobs += session.waitingJobs;
      const { templateName: template, state } = session;
      const known = counts.get(`${template} ${state}`);
      if (known === undefined) counts.set(`${template} ${state}`, { template, state, count: 1 });
      else known.count++;
    }
    return { max: this.#maxSessions, waitingJobs, byTemplateAndState: [...counts.values()] };
  }

  /** End all; resolves when the last VM has ended. Once. */
  disposeAll(reason: FailureCode): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const { session } of [...this.#sessions.values()]) session.dispose(reason);
    return this.#sessions.size === 0 ? Promise.resolve() : emptied;
  }

  #release(owner: string): void {
    const left = (this.#byOwner.get(owner) ?? 0) - 1;
    if (left > 0) this.#byOwner.set(owner, left);
    else this.#byOwner.delete(owner);
  }
}

function isHad({ session, owner }: Entry, by: string | undefined): boolean {
  return !session.isOver && (by === undefined || owner === by);
}
