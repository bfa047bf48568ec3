import "./without-eval.js";
import { openSession } from "./connect.js";
import type { ConnectOptions } from "./options.js";
import { SandboxBase, type SandboxOptions } from "./rest/sandbox.js";
import { SessionBase } from "./session.js";
import { browserPlatform } from "./transport/browser.js";

export * from "./exports.js";

export class Session extends SessionBase {
  /**
   * Connect to a server and wait until the session's virtual machine is there.
   * @throws InvalidOptionError, ConnectionError, SessionRefusedError, ProtocolError, or the signal's reason
   */
  static connect(options: ConnectOptions = {}): Promise<Session> {
    return openSession(browserPlatform, options, (link, ready) => new Session(link, ready, options));
  }
}

export class Sandbox extends SandboxBase {
  /**
   * @param apiKey not needed where the server has no keys
   * @param options or just the server's base URL
   * @throws InvalidOptionError
   */
  constructor(apiKey?: string, options: string | SandboxOptions = {}) {
    super(browserPlatform.defaultUrl(), apiKey, typeof options === "string" ? { baseUrl: options } : options);
  }
}
