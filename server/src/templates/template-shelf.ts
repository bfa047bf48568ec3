import type { FailureCode } from "@zeroboot/sdk/protocol";
import type { Template } from "../../../native/engine.js";
import type { Progress } from "../../../native/guest/build/index.js";
import { errorCode } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { type BuildProgress, describeProgress, RecordedProgress, WAITING } from "./build-progress.js";

/** After a failure the same work is not begun again for so long, milliseconds. */
const RETRY_AFTER_MS = 60_000;

/** What is made of the other templates before anybody asks for them. */
export const PREBUILD = ["none", "cached", "all"] as const;
export type Prebuild = (typeof PREBUILD)[number];

/** Where a template of the shelf stands. */
export type TemplateState =
  | { readonly kind: "absent" }
  | { readonly kind: "building"; readonly progress: BuildProgress }
  | { readonly kind: "ready"; readonly template: Template }
  | { readonly kind: "failed"; readonly code: string };

/** Why a template cannot be forked now. */
export interface Unavailable {
  readonly code: FailureCode;
  readonly message: string;
}

export interface ShelfOptions {
  /** What may be asked for; the first is the default. */
  readonly names: readonly [string, ...string[]];
  /** @returns the template, which the shelf closes; rejects when `signal` has been aborted */
  readonly open: (name: string, progress: Progress, signal: AbortSignal) => Promise<Template>;
  /** Whether opening it is a matter of loading its snapshot. */
  readonly isKept: (name: string) => Promise<boolean>;
  readonly log: Logger;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

type Slot = { readonly name: string } & (
  | { readonly kind: "absent" }
  | { readonly kind: "queued" }
  | { readonly kind: "building"; readonly progress: RecordedProgress }
  | { readonly kind: "ready"; readonly template: Template }
  | { readonly kind: "failed"; readonly code: string; readonly retryAt: number }
);

/** What the slot of a template becomes; its name stays. */
type Change = Slot extends infer S ? (S extends Slot ? Omit<S, "name"> : never) : never;

/**
 * The templates of a server: those that can be forked, those that are being made, one at a time, and those
 * that may be asked for. What fails here never stops the server, but for its default template.
 */
export class TemplateShelf {
  readonly #options: ShelfOptions;
  readonly #now: () => number;
  readonly #slots: Map<string, Slot>;
  readonly #stopping = new AbortController();
  /** Names that somebody waits for, then the others, each in the order in which they are made. */
  #asked: string[] = [];
  #unasked: string[] = [];
  #working: Promise<void> = Promise.resolve();
  /** Also before the default template is there: it is made first. */
  #isWorking = true;

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#slots = new Map(options.names.map((name) => [name, { name, kind: "absent" }]));
  }

  get defaultName(): string {
    return this.#options.names[0];
  }

  /** Whether the default template can be forked. */
  get hasDefault(): boolean {
    return this.ready(this.defaultName) !== undefined;
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  /** The template, if it can be forked now. */
  ready(name: string): Template | undefined {
    const slot = this.#slots.get(name);
    return slot?.kind === "ready" ? slot.template : undefined;
  }

  /** By name, the default first. */
  states(): ReadonlyMap<string, TemplateState> {
    return new Map([...this.#slots.values()].map((slot) => [slot.name, stateOf(slot)]));
  }

  /** Make the default template, before all others. @throws what `open` throws */
  openDefault(): Promise<Template> {
    const made = this.#make(this.defaultName);
    this.#working = made.then(
      () => this.#work(),
      () => undefined,
    );
    return made;
  }

  /** Make others before they are asked for. Never rejects. */
  async prebuild(which: Prebuild): Promise<void> {
    if (which === "none") return;
    for (const name of this.#options.names.slice(1)) {
      if (which === "all" || (await this.#options.isKept(name).catch(() => false))) this.#enqueue(name, false);
    }
  }

  /**
   * Somebody wants to fork it: unless it is there or has just failed, it is being made from now on, before
   * those nobody waits for.
   * @returns undefined when it can be forked
   */
  ask(name: string): Unavailable | undefined {
    if (!this.has(name)) return { code: "template_unknown", message: `There is no template ${JSON.stringify(name)}.` };
    if (this.ready(name) !== undefined) return undefined;
    if (name !== this.defaultName) this.#enqueue(name, true);
    const state = this.states().get(name);
    if (state?.kind === "failed") return this.#failed(name, state.code);
    const progress = state?.kind === "building" ? `: ${describeProgress(state.progress)}` : "";
    const code = name === this.defaultName ? "starting" : "template_building";
    return { code, message: `The template ${name} is being made${progress}.` };
  }

  /** Make nothing more. @returns once nothing is being made */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#asked = [];
    this.#unasked = [];
    await this.#working;
  }

  /** Close the templates. Their last forks are gone. */
  close(): void {
    for (const slot of this.#slots.values()) {
      if (slot.kind !== "ready") continue;
      slot.template.close();
      this.#set(slot.name, { kind: "absent" });
    }
  }

  #failed(name: string, code: string): Unavailable {
    const slot = this.#slots.get(name);
    const seconds = slot?.kind === "failed" ? Math.max(1, Math.ceil((slot.retryAt - this.#now()) / 1000)) : 1;
    return {
      code: "template_failed",
      message: `The template ${name} could not be made (${code}). Asking for it in ${seconds} s tries again.`,
    };
  }

  #enqueue(name: string, isAsked: boolean): void {
    if (this.#stopping.signal.aborted) return;
    const slot = this.#slots.get(name);
    if (slot === undefined || slot.kind === "ready" || slot.kind === "building") return;
    if (slot.kind === "failed" && this.#now() < slot.retryAt) return;
    if (slot.kind === "queued") {
      if (!isAsked || this.#asked.includes(name)) return;
      this.#unasked = this.#unasked.filter((other) => other !== name);
    }
    (isAsked ? this.#asked : this.#unasked).push(name);
    this.#set(name, { kind: "queued" });
    if (!this.#isWorking) this.#working = this.#work();
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    const next = () => this.#asked.shift() ?? this.#unasked.shift();
    for (let name = next(); name !== undefined; name = next()) {
      await this.#make(name).catch(() => undefined);
    }
    this.#isWorking = false;
  }

  async #make(name: string): Promise<Template> {
    const log = this.#options.log.child({ template: name });
    // Whoever started the server is shown the steps of the default one.
    const progress = new RecordedProgress(name === this.defaultName ? silentLogger : log, this.#now);
    const { signal } = this.#stopping;
    this.#set(name, { kind: "building", progress });
    try {
      const template = await this.#options.open(name, progress, signal);
      if (signal.aborted) {
        template.close();
        signal.throwIfAborted();
      }
      this.#set(name, { kind: "ready", template });
      log.info({ runtime: template.info.runtime, memoryMb: template.info.memoryMb }, "ready");
      return template;
    } catch (error) {
      const code = errorCode(error) ?? "internal";
      this.#set(name, { kind: "failed", code, retryAt: this.#now() + RETRY_AFTER_MS });
      const message = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) log.error({ code, error: message }, "the template could not be made");
      throw error;
    }
  }

  #set(name: string, change: Change): void {
    this.#slots.set(name, { name, ...change });
  }
}

function stateOf(slot: Slot): TemplateState {
  switch (slot.kind) {
    case "queued":
      return { kind: "building", progress: WAITING };
    case "building":
      return { kind: "building", progress: slot.progress.current };
    case "ready":
      return { kind: "ready", template: slot.template };
    case "failed":
      return { kind: "failed", code: slot.code };
    case "absent":
      return { kind: "absent" };
  }
}
