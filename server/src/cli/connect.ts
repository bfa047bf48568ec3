import type { SessionBase } from "@zeroboot/sdk/transport";
import { type Config, loadConfig } from "../config/config.js";
import type { StandardStreams } from "./standard-streams.js";

/** Options of every command that uses a session, as the command line has them. */
export interface SessionOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly template: string;
  readonly snapshot?: string;
  readonly memoryMb?: string;
  readonly kernel?: string;
}

/** What the session tells beside its executions. */
export interface SessionEvents {
  /** It goes on in a fresh virtual machine; what its cells had made is gone. */
  onRestart?(restart: { readonly reason: string }): void;
}

/** A session, on this machine or on a server. */
export interface ConnectedSession {
  readonly session: SessionBase;
  /** What it runs, for people. */
  readonly description: string;
  /** End it and release all that it took. Idempotent. */
  close(): Promise<void>;
}

/**
 * A session as the options say: without `--url` in a fork that this process makes.
 * @param signal gives up connecting; of no effect afterwards
 * @throws ServerError `config_invalid`; EngineError, SetupError; the SDK's errors; the signal's reason
 */
export async function connect(
  options: SessionOptions,
  streams: StandardStreams,
  signal: AbortSignal,
  events: SessionEvents = {},
): Promise<ConnectedSession> {
  const config = templateConfig(options);
  const { url, template, apiKey } = options;
  if (url === undefined) {
    const { connectHere } = await import("./connect-here.js");
    return connectHere(config, streams, signal, events);
  }
  const { Session } = await import("@zeroboot/sdk");
  const { whileTemplateIsMade } = await import("./wait-for-template.js");
  const session = await whileTemplateIsMade(
    () => Session.connect({ url, template, signal, ...(apiKey === undefined ? {} : { apiKey }), ...events }),
    streams.stderr,
    signal,
  );
  return { session, description: `${session.template} at ${url}`, close: () => session.close() };
}

/** Of the options that say what to fork. @throws ServerError `config_invalid` */
function templateConfig({ template, snapshot, memoryMb, kernel }: SessionOptions): Config {
  return loadConfig(
    {
      template,
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(kernel === undefined ? {} : { kernel }),
    },
    {},
  );
}
