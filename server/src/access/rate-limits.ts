import { RateLimiter } from "limiter";
import { LRUCache } from "lru-cache";
import type { KeyHolder } from "./api-keys.js";

/** Requests of one key. */
export const KEY_REQUESTS_PER_SECOND = 100;
/** Requests with a demo key from one address. */
export const DEMO_REQUESTS_PER_MINUTE = 10;
/** Keys and addresses that are remembered; the one that has asked for nothing longest is forgotten. */
const MAX_REMEMBERED = 100_000;

/** How often keys may ask. Without keys nobody is limited. */
export class RateLimits {
  readonly #limiters = new LRUCache<string, RateLimiter>({ max: MAX_REMEMBERED });

  /**
   * Take `count` requests from what is left.
   * @returns undefined, or the seconds after which to try again
   */
  take(holder: KeyHolder, address: string, count = 1): number | undefined {
    const limiter = holder.isDemo ? this.#demo(address) : this.#of(holder.id, KEY_REQUESTS_PER_SECOND, "second");
    // More than the limit at once is the whole of it: nothing is left for a while.
    const tokens = Math.min(count, limiter.tokenBucket.bucketSize);
    if (limiter.tryRemoveTokens(tokens)) return undefined;
    return Math.max(1, Math.ceil(limiter.getWaitTime(tokens) / 1000));
  }

  #demo(address: string): RateLimiter {
    return this.#of(`demo ${address}`, DEMO_REQUESTS_PER_MINUTE, "minute");
  }

  #of(name: string, tokensPerInterval: number, interval: "second" | "minute"): RateLimiter {
    const known = this.#limiters.get(name);
    if (known !== undefined) return known;
    const made = new RateLimiter({ tokensPerInterval, interval, fireImmediately: true });
    this.#limiters.set(name, made);
    return made;
  }
}
