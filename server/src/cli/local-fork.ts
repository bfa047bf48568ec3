import { Session as ClientSession, type SessionBase } from "@zeroboot/sdk/transport";
import type { Template } from "../../../native/engine.js";
import { silentLogger } from "../logger.js";
import type { SessionSettings } from "../session/limits.js";
import { Session } from "../session/session.js";
import { serveSession } from "../websocket/endpoint.js";
import { loopbackPlatform } from "../websocket/loopback.js";
import type { SessionEvents } from "./connect.js";

/** A session in a fork of this process. */
export interface LocalSession {
  readonly session: SessionBase;
  /** End it; answers when its VM has ended. Idempotent. */
  close(): Promise<void>;
}

/**
 * A session over a template that this process has: the same at both ends as over a server, but for the wire between
 * them. The template is the caller's, and stays open at least until the session is closed.
 * @throws the SDK's errors; the signal's reason
 */
export async function forkHere(
  template: Template,
  name: string,
  settings: SessionSettings,
  signal: AbortSignal,
  events: SessionEvents = {},
): Promise<LocalSession> {
  let resolveEnded = () => {};
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve;
  });
  let isServed = false;
  const platform = loopbackPlatform((connection) =>
    serveSession(connection, (sink) => {
      const session = new Session({
        id: "local",
        template,
        templateName: name,
        settings,
        sink,
        log: silentLogger,
        onClosing: () => {},
        onClosed: () => resolveEnded(),
      });
      isServed = true;
      session.start();
      return session;
    }),
  );
  /** The connection is closed or closing: wait for the VM's end. */
  const gone = async (): Promise<void> => {
    if (isServed) await ended;
  };
  try {
    const session = await ClientSession.connectOver(platform, {
      signal,
      // The fork has a time limit of its own, and says more when it is over.
      connectTimeoutMs: 2 * settings.forkTimeoutMs,
      ...events,
    });
    return {
      session,
      close: async () => {
        await session.close();
        await gone();
      },
    };
  } catch (error) {
    await gone();
    throw error;
  }
}
