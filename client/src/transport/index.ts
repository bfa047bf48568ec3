import { openSession } from "../connect.js";
import type { ConnectOptions } from "../options.js";
import { SessionBase } from "../session.js";
import type { Platform } from "./transport.js";

export type { SessionBase } from "../session.js";
export type { Platform, Socket, SocketEnd, SocketHandlers, SocketRequest } from "./transport.js";

/** A session over a transport of the program's own. Everything else is as with the package's own transports. */
export class Session extends SessionBase {
  /**
   * Connect and wait until the session's virtual machine is there.
   * @throws InvalidOptionError, ConnectionError, SessionRefusedError, ProtocolError, or the signal's reason
   */
  static connectOver(platform: Platform, options: ConnectOptions = {}): Promise<Session> {
    return openSession(platform, options, (link, ready) => new Session(link, ready, options));
  }
}
