import { readFileSync } from "node:fs";
import * as z from "zod";
import { errorCode, ServerError } from "../errors.js";
import { ApiKeys, KEY_ROLES, type KeyEntry } from "./api-keys.js";

/** Used without being asked for, if it is there: in the working directory. */
export const DEFAULT_API_KEYS_FILE = "api_keys.json";
/** Keys themselves, in the same form as in a file. */
export const API_KEYS_VARIABLE = "ZEROBOOT_API_KEYS";

const key = z
  .string()
  .max(512)
  .regex(/^[\x21-\x7e]+$/, "keys are printable ASCII without spaces, at most 512 characters");
const entry = z.union([
  key.transform((text): KeyEntry => ({ key: text })),
  z
    .strictObject({
      key,
      name: z.string().max(100).optional(),
      expiresAt: z.iso.datetime({ offset: true }).optional(),
      role: z.enum(KEY_ROLES).optional(),
    })
    .transform(
      (of): KeyEntry => ({ ...of, expiresAt: of.expiresAt === undefined ? undefined : Date.parse(of.expiresAt) }),
    ),
]);
const entries = z.array(entry).min(1, "there must be at least one key").max(10_000);

/** Where keys come from. */
export interface KeySources {
  /** As configured; undefined: {@link DEFAULT_API_KEYS_FILE}, if there is one. */
  readonly file: string | undefined;
  /** The value of {@link API_KEYS_VARIABLE}. */
  readonly variable: string | undefined;
}

/**
 * Read the keys: JSON arrays of strings, or of `{key, name?, expiresAt?, role?}` with an ISO 8601 time.
 * @returns undefined when there are no keys, and then everybody may come
 * @throws ServerError `api_keys_invalid`: what is not understood must not open the server
 */
export function loadApiKeys({ file, variable }: KeySources): ApiKeys | undefined {
  const fromFile = readKeyFile(file);
  const fromVariable = variable === undefined || variable === "" ? undefined : parse(variable, API_KEYS_VARIABLE);
  if (fromFile === undefined && fromVariable === undefined) return undefined;
  return new ApiKeys([...(fromFile ?? []), ...(fromVariable ?? [])]);
}

function readKeyFile(path: string | undefined): KeyEntry[] | undefined {
  const file = path ?? DEFAULT_API_KEYS_FILE;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (path === undefined && errorCode(cause) === "ENOENT") return undefined;
    throw invalid(`the API keys file ${file}`, "it cannot be read", cause);
  }
  return parse(text, `the API keys file ${file}`);
}

/** @param source for people; no part of `text` gets into an error */
function parse(text: string, source: string): KeyEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(source, "it is not JSON");
  }
  const result = entries.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const at = issue === undefined || issue.path.length === 0 ? "" : `entry ${String(issue.path[0])}: `;
  throw invalid(source, `${at}${issue?.message ?? "it is not an array of keys"}`);
}

function invalid(source: string, why: string, cause?: unknown): ServerError {
  return new ServerError("api_keys_invalid", `${source} cannot be used: ${why}`, {
    remedy: 'Write it as a JSON array of strings, for example ["key-1"], or of {"key", "name", "expiresAt", "role"}.',
    cause,
  });
}
