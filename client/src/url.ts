import { InvalidOptionError } from "./errors.js";

const WEBSOCKET_SCHEMES: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
};

/**
 * The session endpoint of the server at `base`, which may have a path of its own.
 * @throws InvalidOptionError
 */
export function sessionUrl(base: string, template: string | undefined): string {
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw new InvalidOptionError("url is not a URL");
  }
  const scheme = WEBSOCKET_SCHEMES[url.protocol];
  if (scheme === undefined) throw new InvalidOptionError("url must begin with http:, https:, ws: or wss:");
  if (url.username !== "" || url.password !== "") throw new InvalidOptionError("url must not hold a name or password");
  const session = new URL(`${scheme}//${url.host}${url.pathname.replace(/\/+$/, "")}/v1/session`);
  if (template !== undefined) session.searchParams.set("template", template);
  return session.href;
}
