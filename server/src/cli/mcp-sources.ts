import { Session } from "@zeroboot/sdk";
import type { Template } from "../../../native/engine.js";
import { TextProgress } from "../../../native/guest/build/index.js";
import { loadEngine } from "../../../native/index.js";
import type { Language } from "../mcp/language.js";
import type { SessionSource } from "../mcp/workspaces.js";
import { DEFAULT_SESSION_SETTINGS, type SessionSettings } from "../session/limits.js";
import { TemplateStore } from "../templates/template-store.js";
import { forkHere } from "./local-fork.js";
import { whileTemplateIsMade } from "./wait-for-template.js";

/** As the tools allow it. */
const LONGEST_CELL_MS = 3_600_000;
const SETTINGS: SessionSettings = { ...DEFAULT_SESSION_SETTINGS, maxTimeoutMs: LONGEST_CELL_MS };

/** The template that a language is forked from. */
export type TemplateOf = (language: Language["name"]) => string;

/** Sessions on a server. */
export function remoteSource(url: string, apiKey: string | undefined, templateOf: TemplateOf): SessionSource {
  const stopping = new AbortController();
  return {
    open: (language, onRestart) =>
      whileTemplateIsMade(
        () =>
          Session.connect({
            url,
            template: templateOf(language),
            signal: stopping.signal,
            ...(apiKey === undefined ? {} : { apiKey }),
            onRestart: ({ reason }) => onRestart(reason),
          }),
        process.stderr,
        stopping.signal,
      ).then((session) => ({ session, close: () => session.close() })),
    giveUp: () => stopping.abort(),
    close: async () => {},
  };
}

/**
 * Sessions in forks of this process; a template is made or loaded when it is first needed, and kept.
 * @throws EngineError where no VM can run
 */
export function localSource(templateOf: TemplateOf): SessionSource {
  const engine = loadEngine();
  const store = new TemplateStore(engine, engine.probeHost());
  const stopping = new AbortController();
  const { signal } = stopping;
  const templates = new Map<string, Promise<Template>>();
  const templateFor = (name: string): Promise<Template> => {
    const known = templates.get(name);
    if (known !== undefined) return known;
    const opening = store.open({ name, progress: new TextProgress(process.stderr), signal });
    templates.set(name, opening);
    // What failed may go better the next time.
    opening.catch(() => templates.delete(name));
    return opening;
  };
  return {
    open: async (language, onRestart) => {
      const name = templateOf(language);
      const events = { onRestart: ({ reason }: { readonly reason: string }) => onRestart(reason) };
      return forkHere(await templateFor(name), name, SETTINGS, signal, events);
    },
    giveUp: () => stopping.abort(),
    close: async () => {
      const opened = await Promise.allSettled(templates.values());
      for (const each of opened) if (each.status === "fulfilled") each.value.close();
    },
  };
}
