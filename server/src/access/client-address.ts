import { BlockList, isIP } from "node:net";
import { ServerError } from "../errors.js";

/** Which peers are proxies whose word about their own client is taken. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /**
   * @param entries addresses and networks, as `10.0.0.1` and `10.0.0.0/8`
   * @throws ServerError `config_invalid`
   */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  /**
   * The address of the client behind `peer`: the last one in `X-Forwarded-For` that is no trusted proxy's. A header
   * from anybody else means nothing, since anybody can write one.
   */
  clientAddress(peer: string, forwardedFor: string | undefined): string {
    const chain = [...(forwardedFor?.split(",").map((hop) => hop.trim()) ?? []), peer].map(plain);
    let client = plain(peer);
    while (chain.length > 0) {
      const hop = chain.pop() ?? "";
      if (isIP(hop) === 0) break;
      client = hop;
      if (!this.#isTrusted(hop)) break;
    }
    return client;
  }

  #isTrusted(address: string): boolean {
    return this.#list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }

  #add(entry: string): void {
    const [address = "", bits, ...rest] = entry.split("/");
    const family = isIP(address);
    const width = family === 6 ? 128 : 32;
    const prefix = bits === undefined ? width : Number(bits);
    if (family === 0 || rest.length > 0 || !/^\d*$/.test(bits ?? "") || bits === "" || prefix > width) {
      throw new ServerError("config_invalid", `--trust-proxy: ${JSON.stringify(entry)} is no address or network`);
    }
    this.#list.addSubnet(address, prefix, family === 6 ? "ipv6" : "ipv4");
  }
}

/** An IPv4 address as such where a socket for both families calls it `::ffff:10.0.0.1`, however it writes that. */
function plain(address: string): string {
  const dotted = /^(?:0*:)*:?ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const hexadecimal = /^(?:0*:)*:?ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (hexadecimal === null) return address;
  const [high, low] = [hexadecimal[1], hexadecimal[2]].map((group) => Number.parseInt(group ?? "", 16));
  return [(high ?? 0) >> 8, (high ?? 0) & 255, (low ?? 0) >> 8, (low ?? 0) & 255].join(".");
}
