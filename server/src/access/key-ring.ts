import type { ApiKeys } from "./api-keys.js";

/** The keys as they are now. They can be read anew while the server runs, but not done away with. */
export class KeyRing {
  #keys: ApiKeys | undefined;
  readonly #load: () => ApiKeys | undefined;

  /** @param load as {@link loadApiKeys}; called at once, and what it throws is thrown */
  constructor(load: () => ApiKeys | undefined) {
    this.#load = load;
    this.#keys = load();
  }

  /** Undefined: there are none, and everybody may come. */
  get keys(): ApiKeys | undefined {
    return this.#keys;
  }

  /**
   * Take the keys as they are in their places now; sessions that are open stay. When they cannot be read, or are gone,
   * those known so far stay in force.
   * @throws ServerError `api_keys_invalid`
   * @returns whether there were keys to take
   */
  reload(): boolean {
    const fresh = this.#load();
    if (fresh !== undefined) this.#keys = fresh;
    return fresh !== undefined;
  }
}
