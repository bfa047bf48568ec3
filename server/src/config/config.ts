import { readFileSync } from "node:fs";
import * as z from "zod";
import { isLoopback } from "../access/host-policy.js";
import { ServerError } from "../errors.js";
import { LOG_LEVELS } from "../logger.js";
import { DEFAULT_SESSION_SETTINGS as SESSION } from "../session/limits.js";
import { PREBUILD } from "../templates/template-shelf.js";
import { CONFIG_HELP, flagOf, variableOf } from "./help.js";

/** A whole number, as flags and environment variables write it. */
function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, "expected a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max));
}

/** A list, as flags and environment variables write it: separated by commas. */
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ""),
);

const hostName = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)$/, "expected a host name without port");
const origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, "expected an origin, as https://example.org");

const DAY_MS = 86_400_000;
/** Where a number of bytes stops to mean a limit: 1 PiB. */
const MAX_BYTES = 2 ** 50;

/**
 * Everything that can be set, by its flag; `ZEROBOOT_` and the flag in capitals is the
 * environment variable. Times and sizes have their unit in their name.
 */
const schema = z.strictObject({
  /** Address to listen on. Others than loopback need API keys. */
  host: z.string().min(1).default("127.0.0.1"),
  /** 0: any free one. */
  port: integer(0, 65_535).default(8080),
  /** Names beside loopback by which clients may address the server (`Host` header). */
  allowHost: list.pipe(z.array(hostName)).default([]),
  /** Web origins whose pages may connect, beside the server's own. */
  allowOrigin: list.pipe(z.array(origin)).default([]),
  /** Proxies whose `X-Forwarded-For` is believed: addresses and networks. */
  trustProxy: list.default([]),
  /** JSON array of strings, or of objects with an expiry. */
  apiKeysFile: z.string().min(1).optional(),
  /** PEM files; both or neither. */
  tlsCert: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  /** The default one. */
  template: z.string().min(1).default("python"),
  /** What else may be asked for; all that can be made if absent. */
  templates: list.optional(),
  prebuild: z.enum(PREBUILD).default("cached"),
  /** Guest memory of the default template, MiB; its own if absent. */
  memoryMb: integer(64, 3072).optional(),
  /** A snapshot file to serve in place of the default template's own. */
  snapshot: z.string().min(1).optional(),
  /** A vmlinux or bzImage in place of our kernel. */
  kernel: z.string().min(1).optional(),
  logLevel: z.enum(LOG_LEVELS).default("info"),
  maxSessions: integer(1, 100_000).default(1000),
  /** Of one key, REST runs included; no more than `maxSessions` anyway. */
  maxSessionsPerKey: integer(1, 100_000).default(100),
  defaultTimeoutMs: integer(1, SESSION.maxTimeoutMs).default(SESSION.defaultTimeoutMs),
  maxTimeoutMs: integer(1, SESSION.maxTimeoutMs).default(SESSION.maxTimeoutMs),
  maxQueuedExecutions: integer(1, SESSION.maxQueuedExecutions).default(SESSION.maxQueuedExecutions),
  sessionIdleTimeoutMs: integer(1000, 7 * DAY_MS).default(SESSION.idleTimeoutMs),
  sessionLifetimeMs: integer(1000, 7 * DAY_MS).default(SESSION.lifetimeMs),
  /** Of one cell, bytes. */
  maxOutputBytes: integer(1, MAX_BYTES).default(SESSION.maxOutputBytes),
  /** Of all cells of a session, bytes. */
  maxSessionOutputBytes: integer(1, MAX_BYTES).default(SESSION.maxSessionOutputBytes),
  interruptGraceMs: integer(10, 60_000).default(SESSION.interruptGraceMs),
  /** For sessions to end when the server stops. */
  shutdownTimeoutMs: integer(100, 600_000).default(5000),
});

export type Config = z.output<typeof schema>;
export type ConfigName = keyof Config;

const NAMES = Object.keys(CONFIG_HELP) as ConfigName[];

/**
 * The configuration: flags before environment variables before defaults.
 * @param flags by name; undefined = not given
 * @throws ServerError `config_invalid`, naming the flag or variable
 */
export function loadConfig(
  flags: Readonly<Partial<Record<ConfigName, string>>>,
  environment: NodeJS.ProcessEnv,
): Config {
  const given: Partial<Record<ConfigName, string>> = {};
  const origins = new Map<string, string>();
  for (const name of NAMES) {
    // An empty variable is one that is not set.
    const value = flags[name] ?? (environment[variableOf(name)] || undefined);
    if (value === undefined) continue;
    given[name] = value;
    origins.set(name, flags[name] === undefined ? variableOf(name) : flagOf(name));
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0] ?? "");
    throw new ServerError("config_invalid", `${origins.get(name) ?? name}: ${issue?.message}`, {
      remedy: "See zeroboot serve --help.",
    });
  }
  const config = parsed.data;
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    throw new ServerError("config_invalid", `${flagOf("tlsCert")} and ${flagOf("tlsKey")} belong together`, {
      remedy: "Give both, or neither for HTTP without TLS.",
    });
  }
  if (config.defaultTimeoutMs > config.maxTimeoutMs) {
    throw new ServerError("config_invalid", "the default timeout is longer than the longest a cell may ask for", {
      remedy: `Lower ${flagOf("defaultTimeoutMs")} or raise ${flagOf("maxTimeoutMs")}.`,
    });
  }
  return config;
}

/** @throws ServerError `insecure_bind`: whoever reaches the address could run code here */
export function requireSafeBind(host: string, hasKeys: boolean): void {
  if (hasKeys || isLoopback(host)) return;
  throw new ServerError("insecure_bind", `${host} can be reached from other machines, and there are no API keys`, {
    remedy: `Give ${flagOf("apiKeysFile")} (or ${variableOf("apiKeysFile")}) a file of keys, or listen on 127.0.0.1.`,
  });
}

/** The product's version, from its package.json. */
export function packageVersion(packageRoot: string): string {
  const text = readFileSync(`${packageRoot}/package.json`, "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
