import { TextProgress } from "../../../native/guest/build/index.js";
import { loadEngine } from "../../../native/index.js";
import type { Config } from "../config/config.js";
import { DEFAULT_SESSION_SETTINGS, type SessionSettings } from "../session/limits.js";
import { TemplateStore } from "../templates/template-store.js";
import type { ConnectedSession, SessionEvents } from "./connect.js";
import { forkHere } from "./local-fork.js";
import type { StandardStreams } from "./standard-streams.js";

/** On one's own machine a program may take its time. */
const LONGEST_MS = 7 * 86_400_000;
/** And write as much as it likes. */
const UNLIMITED_BYTES = Number.MAX_SAFE_INTEGER;

const SETTINGS: SessionSettings = {
  ...DEFAULT_SESSION_SETTINGS,
  defaultTimeoutMs: LONGEST_MS,
  idleTimeoutMs: LONGEST_MS,
  lifetimeMs: LONGEST_MS,
  maxOutputBytes: UNLIMITED_BYTES,
  maxSessionOutputBytes: UNLIMITED_BYTES,
};

/**
 * A session in a fork that this process makes, of a template that it opens for it.
 * @throws EngineError, SetupError, ServerError; the SDK's errors; the signal's reason
 */
export async function connectHere(
  config: Config,
  streams: StandardStreams,
  signal: AbortSignal,
  events: SessionEvents,
): Promise<ConnectedSession> {
  const engine = loadEngine();
  const template = await new TemplateStore(engine, engine.probeHost()).open({
    name: config.template,
    memoryMb: config.memoryMb,
    snapshotPath: config.snapshot,
    kernelPath: config.kernel,
    progress: new TextProgress(streams.stderr),
    signal,
  });
  try {
    const local = await forkHere(template, config.template, SETTINGS, signal, events);
    const { runtime, memoryMb } = template.info;
    return {
      session: local.session,
      description: `${config.template} (${runtime}), ${memoryMb} MiB`,
      close: async () => {
        await local.close();
        template.close();
      },
    };
  } catch (error) {
    template.close();
    throw error;
  }
}
