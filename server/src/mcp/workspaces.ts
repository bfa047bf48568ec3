import type { SessionBase } from "@zeroboot/sdk/transport";
import type { Language } from "./language.js";
import { ToolError } from "./tool-error.js";

/** A session that was made for a workspace. */
export interface OpenedSession {
  readonly session: SessionBase;
  close(): Promise<void>;
}

/** Where sessions come from: a server, or forks of this process. */
export interface SessionSource {
  /** @param onRestart its virtual machine was replaced: why */
  open(language: Language["name"], onRestart: (reason: string) => void): Promise<OpenedSession>;
  /** Sessions that are being opened fail, however long making their template would take. Those there are stay. */
  giveUp(): void;
  /** After {@link giveUp}, and after the last session is closed. */
  close(): Promise<void>;
}

/** One named session of one client, and what its client has not been told yet. */
export interface Workspace {
  readonly language: Language;
  readonly session: SessionBase;
  /** Notes since they were last asked for: state that is lost. */
  takeNotes(): string[];
}

interface Entry {
  readonly language: Language;
  readonly opened: Promise<OpenedSession>;
  readonly notes: string[];
}

/**
 * The sessions of an MCP server: made when they are first named, kept until they are reset or end by themselves.
 * Bounded in number.
 */
export class Workspaces {
  readonly #source: SessionSource;
  readonly #max: number;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  /** Sessions that ended by themselves, until they are named again. */
  readonly #ended = new BoundedMap(1024);
  #closed = false;

  constructor(source: SessionSource, max: number) {
    this.#source = source;
    this.#max = max;
  }

  /**
   * The session of this name, made if there is none.
   * @param owner whose names these are
   * @param language what it must speak; undefined: whatever it does, or `fallback` if it is made now
   * @throws ToolError; what the source throws
   */
  async use(owner: string, name: string, language: Language | undefined, fallback: Language): Promise<Workspace> {
    const key = keyOf(owner, name);
    const entry = this.#entries.get(key) ?? this.#make(key, name, language ?? fallback);
    if (language !== undefined && entry.language !== language) {
      throw new ToolError(
        "session_language",
        `session ${JSON.stringify(name)} speaks ${entry.language.name}; use another session for ${language.name}, or reset this one`,
      );
    }
    const { session } = await entry.opened;
    return { language: entry.language, session, takeNotes: () => entry.notes.splice(0) };
  }

  /** End the session of this name. @returns whether there was one */
  async reset(owner: string, name: string): Promise<boolean> {
    const key = keyOf(owner, name);
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    await this.#end(entry);
    return true;
  }

  /** End all, and make no more. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#source.giveUp();
    for (const entry of this.#entries.values()) void this.#end(entry);
    this.#entries.clear();
    await Promise.all(this.#closing);
    await this.#source.close();
  }

  #make(key: string, name: string, language: Language): Entry {
    if (this.#closed || this.#entries.size + this.#closing.size >= this.#max) {
      throw new ToolError("session_limit", `there are ${this.#max} sessions; reset one that is not needed any more`);
    }
    const notes: string[] = [];
    const opened = this.#source.open(language.name, (reason) => {
      notes.push(
        `The session's virtual machine was replaced (${reason}): its variables, files and processes are gone.`,
      );
    });
    const entry: Entry = { language, opened, notes };
    this.#entries.set(key, entry);
    const forget = (): boolean => this.#entries.get(key) === entry && this.#entries.delete(key);
    opened.then(
      ({ session }) =>
        session.closed.then((end) => {
          if (!forget() || this.#closed) return;
          void this.#end(entry);
          this.#ended.set(key, `The session ${JSON.stringify(name)} had ended (${end.code}): this is a fresh one.`);
        }),
      forget,
    );
    const ended = this.#ended.get(key);
    if (ended !== undefined) notes.push(ended);
    this.#ended.delete(key);
    return entry;
  }

  #end(entry: Entry): Promise<void> {
    const ending = entry.opened
      .then(({ close }) => close())
      .catch(() => {})
      .finally(() => this.#closing.delete(ending));
    this.#closing.add(ending);
    return ending;
  }
}

/** Forgets what it has known longest. */
class BoundedMap extends Map<string, string> {
  readonly #max: number;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: string, value: string): this {
    const [oldest] = this.keys();
    if (this.size >= this.#max && oldest !== undefined) this.delete(oldest);
    return super.set(key, value);
  }
}

function keyOf(owner: string, name: string): string {
  return `${owner}\0${name}`;
}
