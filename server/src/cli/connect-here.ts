import { Session as ClientSession } from "@zeroboot/sdk/transport";
import type { Template } from "../../../native/engine.js";
import { TextProgress } from "../../../native/guest/build/index.js";
import { loadEngine } from "../../../native/index.js";
import type { Config } from "../config/config.js";
import { silentLogger } from "../logger.js";
import { DEFAULT_SESSION_SETTINGS, type SessionSettings } from "../session/limits.js";
import { Session } from "../session/session.js";
import { TemplateStore } from "../templates/template-store.js";
import { serveSession } from "../websocket/endpoint.js";
import { loopbackPlatform } from "../websocket/loopback.js";
import type { ConnectedSession, SessionEvents } from "./connect.js";
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
 * A session in a fork that this process makes: the same at both ends as over a server, but for the
 * wire between them.
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
  const fork = new Fork(template, config.template);
  try {
    const session = await ClientSession.connectOver(fork.platform, {
      signal,
      // The fork has a time limit of its own, and says more when it is over.
      connectTimeoutMs: 2 * SETTINGS.forkTimeoutMs,
      ...events,
    });
    const { runtime, memoryMb } = template.info;
    return {
      session,
      description: `${config.template} (${runtime}), ${memoryMb} MiB`,
      close: async () => {
        await session.close();
        await fork.close();
      },
    };
  } catch (error) {
    await fork.close();
    throw error;
  }
}

/** The serving end: one session over a template, which it closes when both are over. */
class Fork {
  readonly platform = loopbackPlatform((connection) =>
    serveSession(connection, (sink) => {
      const session = new Session({
        id: "local",
        template: this.#template,
        templateName: this.#name,
        settings: SETTINGS,
        sink,
        log: silentLogger,
        onClosing: () => {},
        onClosed: () => this.#resolveEnded(),
      });
      this.#isServed = true;
      session.start();
      return session;
    }),
  );
  readonly #template: Template;
  readonly #name: string;
  readonly #ended: Promise<void>;
  #resolveEnded!: () => void;
  #isServed = false;

  constructor(template: Template, name: string) {
    this.#template = template;
    this.#name = name;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /** The connection is closed or closing: wait for the VM's end. */
  async close(): Promise<void> {
    if (this.#isServed) await this.#ended;
    this.#template.close();
  }
}
