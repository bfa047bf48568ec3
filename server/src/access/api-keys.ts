import { createHash, timingSafeEqual } from "node:crypto";

/** Keys of the public demonstration have a limit by address instead of one by key. */
const DEMO_PREFIX = "zb_demo_";
/** Of a key's digest, in logs and in the ownership of sessions: enough to tell keys apart, not to guess one. */
const ID_LENGTH = 16;

/** What a key is for: sessions and programs, or reading metrics and nothing else. */
export const KEY_ROLES = ["user", "metrics"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** One entry of a key file, checked. */
export interface KeyEntry {
  readonly key: string;
  /** For the log. */
  readonly name?: string | undefined;
  /** Milliseconds since 1970; never if undefined. */
  readonly expiresAt?: number | undefined;
  /** @default "user" */
  readonly role?: KeyRole | undefined;
}

/** Who asks, without the secret. */
export interface KeyHolder {
  /** The same for the same key, also after a restart. */
  readonly id: string;
  readonly name: string | undefined;
  readonly isDemo: boolean;
  readonly role: KeyRole;
}

interface KnownKey extends KeyHolder {
  readonly digest: Buffer;
  readonly expiresAt: number | undefined;
}

/** The keys that open the server. Only their hashes are kept. */
export class ApiKeys {
  readonly #known: readonly KnownKey[];

  constructor(entries: readonly KeyEntry[]) {
    this.#known = entries.map(({ key, name, expiresAt, role = "user" }) => {
      const hash = digest(key);
      const id = hash.toString("hex").slice(0, ID_LENGTH);
      return { digest: hash, id, name, isDemo: key.startsWith(DEMO_PREFIX), role, expiresAt };
    });
  }

  /** Takes the same time whichever key it is, and for none. */
  find(presented: string, now: number = Date.now()): KeyHolder | "unauthorized" | "key_expired" {
    const candidate = digest(presented);
    let found: KnownKey | undefined;
    for (const known of this.#known) {
      if (timingSafeEqual(known.digest, candidate)) found = known;
    }
    if (found === undefined) return "unauthorized";
    if (found.expiresAt !== undefined && found.expiresAt <= now) return "key_expired";
    const { id, name, isDemo, role } = found;
    return { id, name, isDemo, role };
  }
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
