import { isIPv4, isIPv6 } from "node:net";

/** Whether an address or host name means this machine and nobody else's. */
export function isLoopback(name: string): boolean {
  const host = name.toLowerCase();
  return host === "localhost" || host === "::1" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}

/**
 * Which `Host` and `Origin` headers are served. A page of any site can make its visitor's browser
 * send requests here, under a name of its own that resolves to 127.0.0.1: such a request has that
 * name in `Host` and `Origin`.
 */
export class HostPolicy {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /**
   * @param hosts names served beside loopback, without port
   * @param origins served beside those of the server's own pages, for example `https://example.org`
   */
  constructor(hosts: readonly string[], origins: readonly string[]) {
    this.#hosts = new Set(hosts.map(asInHeader));
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  allowsHost(header: string | undefined): boolean {
    const host = header === undefined ? undefined : parseAuthority(header)?.hostname;
    return host !== undefined && (isLoopback(host) || this.#hosts.has(host));
  }

  /** @param hostHeader of the same request */
  allowsOrigin(origin: string, hostHeader: string | undefined): boolean {
    const url = parseUrl(origin);
    // `null` (a sandboxed frame, a file) is nobody's origin.
    if (url === undefined || url.origin === "null") return false;
    if (this.#origins.has(url.origin.toLowerCase())) return true;
    // A proxy may speak https for us: an origin is ours by its host and port.
    const own = parseUrl(`${url.protocol}//${hostHeader}`);
    return own !== undefined && own.host === url.host;
  }
}

/** A configured name or address as {@link parseAuthority} has it: `FD00:0::1` is `[fd00::1]`. */
function asInHeader(host: string): string {
  return parseAuthority(isIPv6(host) ? `[${host}]` : host)?.hostname ?? host.toLowerCase();
}

/** A `Host` header; undefined if it is more or less than a host and perhaps a port. */
function parseAuthority(header: string): URL | undefined {
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(header)) return undefined;
  return parseUrl(`http://${header}`);
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
