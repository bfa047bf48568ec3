import { LOG_LEVELS } from "../logger.js";
import { DEFAULT_SESSION_SETTINGS as SESSION } from "../session/limits.js";
import type { ConfigName } from "./config.js";

/** What a flag takes and does, in the order of `--help`. */
export const CONFIG_HELP: Readonly<Record<ConfigName, readonly [value: string, text: string]>> = {
  host: ["address", "address to listen on (127.0.0.1); others than loopback need API keys"],
  port: ["number", "port to listen on (8080); 0 for any"],
  allowHost: ["names", "names beside loopback that clients may use for this server, separated by commas"],
  allowOrigin: ["origins", "web origins whose pages may connect, separated by commas"],
  trustProxy: ["addresses", "proxies and networks whose X-Forwarded-For is believed, separated by commas"],
  apiKeysFile: ["file", "JSON array of the API keys that are let in (api_keys.json, if there)"],
  tlsCert: ["file", "serve HTTPS and WSS with this certificate, and those that lead to it, in PEM; with --tls-key"],
  tlsKey: ["file", "the certificate's private key, in PEM"],
  template: ["name", "what sessions are forked from that ask for nothing else (python)"],
  templates: ["names", "what else sessions may ask for, separated by commas (all that `zeroboot template list` shows)"],
  prebuild: [
    "which",
    "of those, what is made before it is asked for: none, cached (those that only have to be loaded), all (cached)",
  ],
  memoryMb: ["MiB", "memory of a VM of the default template, 64-3072 (the template's)"],
  snapshot: ["file", "serve this snapshot file in place of the default template's own"],
  kernel: ["file", "boot this vmlinux or bzImage in place of the guest kernel built here"],
  logLevel: ["level", `${LOG_LEVELS.join(", ")} (info)`],
  maxSessions: ["number", "sessions at one time, REST runs included (1000)"],
  maxSessionsPerKey: ["number", "of them with one API key (100)"],
  defaultTimeoutMs: ["ms", `running time of a cell that asks for none (${SESSION.defaultTimeoutMs})`],
  maxTimeoutMs: ["ms", `longest running time a cell may ask for (${SESSION.maxTimeoutMs})`],
  maxQueuedExecutions: ["number", `unfinished executions of a session (${SESSION.maxQueuedExecutions})`],
  sessionIdleTimeoutMs: [
    "ms",
    `end a session that runs nothing and is asked nothing for so long (${SESSION.idleTimeoutMs})`,
  ],
  sessionLifetimeMs: ["ms", `end a session after so long (${SESSION.lifetimeMs})`],
  maxOutputBytes: [
    "bytes",
    `output of a cell; more is cut between its beginning and its end (${SESSION.maxOutputBytes})`,
  ],
  maxSessionOutputBytes: ["bytes", `end a session whose cells wrote more (${SESSION.maxSessionOutputBytes})`],
  interruptGraceMs: [
    "ms",
    `time for an interrupt to help before a cell's children are killed, and then its VM (${SESSION.interruptGraceMs})`,
  ],
  shutdownTimeoutMs: ["ms", "time for sessions to end when the server stops (5000)"],
};

/** `maxSessions` -> `--max-sessions` */
export function flagOf(name: ConfigName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `maxSessions` -> `ZEROBOOT_MAX_SESSIONS` */
export function variableOf(name: ConfigName): string {
  return `ZEROBOOT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The flags of `zeroboot serve`, for its command line. */
export function configFlags(): { readonly flag: string; readonly value: string; readonly text: string }[] {
  return (Object.keys(CONFIG_HELP) as ConfigName[]).map((name) => {
    const [value, text] = CONFIG_HELP[name];
    return { flag: flagOf(name), value, text: `${text} [${variableOf(name)}]` };
  });
}
