import type { FailureCode } from "@zeroboot/sdk/protocol";
import type { TransportRequest } from "../transport/transport.js";
import { presentedKey } from "./admission.js";
import type { KeyHolder, KeyRole } from "./api-keys.js";
import type { TrustedProxies } from "./client-address.js";
import type { KeyRing } from "./key-ring.js";
import type { RateLimits } from "./rate-limits.js";

/** Who asks for something, once that was found out. */
export interface Caller {
  /** Undefined where the server has no keys. */
  readonly holder: KeyHolder | undefined;
  /** Whose sessions are its own: the key's; with a demo key, which many share, the address's as well. Undefined: everybody's. */
  readonly owner: string | undefined;
  readonly address: string;
}

/** Why somebody does not get what was asked for. */
export interface Refusal {
  readonly code: FailureCode;
  /** For people, where it is more than the code's own meaning. */
  readonly message?: string;
  /** Seconds after which to ask again. */
  readonly retryAfter?: number;
}

/** Decides who may have something done, the same for HTTP and WebSocket: by key, and by how often it asks. */
export class Gate {
  readonly #ring: KeyRing;
  readonly #limits: RateLimits;
  readonly #proxies: TrustedProxies;

  constructor(ring: KeyRing, limits: RateLimits, proxies: TrustedProxies) {
    this.#ring = ring;
    this.#limits = limits;
    this.#proxies = proxies;
  }

  /**
   * Who asks. Costs nothing of what a key may ask.
   * @param role that the key must have
   */
  identify(request: TransportRequest, role: KeyRole = "user"): Caller | Refusal {
    const { keys } = this.#ring;
    const address = this.#proxies.clientAddress(request.remoteAddress, request.headers.get("x-forwarded-for"));
    if (keys === undefined) return { holder: undefined, owner: undefined, address };
    const presented = presentedKey(request);
    const found = presented === undefined ? "unauthorized" : keys.find(presented);
    if (typeof found === "string") return { code: found };
    if (found.role !== role) return { code: "key_not_permitted" };
    return { holder: found, owner: found.isDemo ? `${found.id}@${address}` : found.id, address };
  }

  /** Count `requests` of a caller's. @returns undefined, or why it may not ask so often */
  charge({ holder, address }: Caller, requests = 1): Refusal | undefined {
    if (holder === undefined) return undefined;
    const retryAfter = this.#limits.take(holder, address, requests);
    return retryAfter === undefined ? undefined : { code: "rate_limited", retryAfter };
  }

  /** {@link identify} and one request's {@link charge}. */
  admit(request: TransportRequest, role: KeyRole = "user"): Caller | Refusal {
    const caller = this.identify(request, role);
    return "code" in caller ? caller : (this.charge(caller) ?? caller);
  }
}
