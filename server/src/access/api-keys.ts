import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { errorCode, ServerError } from "../errors.js";

/** Used without being asked for, if it is there: in the working directory. */
export const DEFAULT_API_KEYS_FILE = "api_keys.json";

/** The keys that open the server. Only their hashes are kept. */
export class ApiKeys {
  readonly #digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest);
  }

  /** Takes the same time whichever key it is, and for none. */
  has(presented: string): boolean {
    const candidate = digest(presented);
    let found = false;
    for (const known of this.#digests) {
      if (timingSafeEqual(known, candidate)) found = true;
    }
    return found;
  }
}

/**
 * Read the file of keys: a JSON array of strings.
 * @param path as configured; undefined: {@link DEFAULT_API_KEYS_FILE}, if there is one
 * @returns undefined when there are no keys, and then everybody may come
 * @throws ServerError `api_keys_invalid`: what is not understood must not open the server
 */
export function loadApiKeys(path: string | undefined): ApiKeys | undefined {
  const file = path ?? DEFAULT_API_KEYS_FILE;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (path === undefined && errorCode(cause) === "ENOENT") return undefined;
    throw invalid(file, "it cannot be read", cause);
  }
  const keys = parse(text);
  if (keys === undefined) throw invalid(file, "it is not a JSON array of strings");
  if (keys.length === 0 || keys.some((key) => !/^[\x21-\x7e]+$/.test(key))) {
    throw invalid(file, "it needs at least one key, and keys are printable ASCII without spaces");
  }
  return new ApiKeys(keys);
}

function parse(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((key) => typeof key === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function invalid(file: string, why: string, cause?: unknown): ServerError {
  return new ServerError("api_keys_invalid", `the API keys file ${file} cannot be used: ${why}`, {
    remedy: 'Write it as a JSON array of strings, for example ["key-1"], or remove it.',
    cause,
  });
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
