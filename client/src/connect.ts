import { ConnectionError, ProtocolError, type ZerobootError } from "./errors.js";
import { Link } from "./link.js";
import { type ConnectOptions, DEFAULT_CONNECT_TIMEOUT_MS } from "./options.js";
import type { ReadyFrame, ServerFrame } from "./protocol/frames.js";
import { PROTOCOL_VERSION } from "./protocol/limits.js";
import type { Platform } from "./transport/transport.js";
import { sessionUrl } from "./url.js";

/**
 * Connect and wait for the server's `ready`; then `create` takes the link over, in the same turn,
 * so that no frame is missed.
 * @throws InvalidOptionError, ConnectionError, SessionRefusedError, ProtocolError, or the signal's reason
 */
export async function openSession<S>(
  platform: Platform,
  options: ConnectOptions,
  create: (link: Link, ready: ReadyFrame) => S,
): Promise<S> {
  const { signal, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const request = { url: sessionUrl(options.url ?? platform.defaultUrl(), options.template), apiKey: options.apiKey };
  return new Promise<S>((resolve, reject) => {
    const link = new Link(platform, request, {
      onFrame: (frame) => {
        const wrong = complaint(frame);
        if (wrong !== undefined) link.abort(new ProtocolError(`the server ${wrong}`));
        else if (frame.type === "ready") settle(() => resolve(create(link, frame)));
      },
      onEnd: (error) => settle(() => reject(error)),
    });
    const giveUp = (error: ZerobootError) => link.abort(error);
    const deadline = setTimeout(
      () => giveUp(new ConnectionError("connect_timeout", `no session within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    const onAbort = () => {
      settle(() => reject(signal?.reason));
      giveUp(new ConnectionError("connect_failed", "connecting was aborted"));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    function settle(work: () => void): void {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", onAbort);
      work();
    }
  });
}

/** What is wrong with a frame that comes before the session is there; a failure explains the end that follows. */
function complaint(frame: ServerFrame): string | undefined {
  if (frame.type === "failure") return undefined;
  if (frame.type !== "ready") return `began with ${frame.type}`;
  return frame.protocol === PROTOCOL_VERSION ? undefined : `speaks version ${frame.protocol} of the protocol`;
}
