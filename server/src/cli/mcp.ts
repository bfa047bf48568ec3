import { once } from "node:events";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { packageRoot } from "../../../native/guest/build/index.js";
import { TrustedProxies } from "../access/client-address.js";
import { Gate } from "../access/gate.js";
import { HostPolicy } from "../access/host-policy.js";
import { API_KEYS_VARIABLE, loadApiKeys } from "../access/key-files.js";
import { KeyRing } from "../access/key-ring.js";
import { RateLimits } from "../access/rate-limits.js";
import { packageVersion, requireSafeBind } from "../config/config.js";
import { ServerError } from "../errors.js";
import { MCP_PATH, serveMcpHttp } from "../mcp/http.js";
import { type Language, languageOf } from "../mcp/language.js";
import { createMcpServer } from "../mcp/tools.js";
import { Workspaces } from "../mcp/workspaces.js";
import { onStopSignal } from "../stop-signals.js";
import { EXIT } from "./exit-codes.js";
import { localSource, remoteSource } from "./mcp-sources.js";

/** Options of `zeroboot mcp`, as the command line has them. */
export interface McpOptions {
  readonly http?: string;
  readonly allowHost?: string;
  readonly apiKeysFile?: string;
  readonly maxSessions: string;
  readonly language: string;
  readonly python: string;
  readonly url?: string;
  readonly apiKey?: string;
}

/** Owner of all sessions where there is one client. */
const SOLE_OWNER = "";

/**
 * Serve the tools over MCP, until the client leaves (standard input) or the process is told to stop. Standard output
 * is MCP's alone; whatever else is said goes to standard error.
 * @throws ServerError `config_invalid`, `insecure_bind`, `api_keys_invalid`, `port_in_use`; EngineError
 */
export async function mcp(options: McpOptions): Promise<number> {
  const listen = options.http === undefined ? undefined : parseListen(options.http);
  const max = parseMax(options.maxSessions);
  const defaultLanguage = parseLanguage(options.language);
  const templateOf = (language: Language["name"]) => (language === "python" ? options.python : language);
  const ring = new KeyRing(() =>
    listen === undefined
      ? undefined
      : loadApiKeys({ file: options.apiKeysFile, variable: process.env[API_KEYS_VARIABLE] }),
  );
  if (listen !== undefined) requireSafeBind(listen.host, ring.keys !== undefined);
  const source =
    options.url === undefined ? localSource(templateOf) : remoteSource(options.url, options.apiKey, templateOf);
  const workspaces = new Workspaces(source, max);
  const version = packageVersion(packageRoot());
  const create = (owner: string) => createMcpServer({ workspaces, owner, defaultLanguage, version });
  const stop = onStopSignal();
  try {
    if (listen === undefined) {
      const stdio = serveStdio(() => create(SOLE_OWNER));
      await Promise.race([once(process.stdin, "end"), once(process.stdin, "close"), stop.received]);
      await stdio.close();
    } else {
      const names = (options.allowHost ?? "").split(",").filter((name) => name !== "");
      const http = await serveMcpHttp({
        ...listen,
        policy: new HostPolicy([...names, listen.host], []),
        gate: new Gate(ring, new RateLimits(), new TrustedProxies([])),
        createServer: create,
      });
      process.stderr.write(`zeroboot mcp at http://${urlHost(listen.host)}:${http.port}${MCP_PATH}\n`);
      await stop.received;
      await http.close();
    }
    return EXIT.ok;
  } finally {
    await workspaces.close();
    stop.release();
  }
}

/** `PORT`, `HOST:PORT` or `[ADDRESS]:PORT`. */
function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, address, host = "127.0.0.1", digits = ""] =
    /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) throw invalid("--http", "a port, perhaps with an address before it", text);
  return { host: address ?? host, port };
}

function parseMax(text: string): number {
  const max = Number(text);
  if (!/^\d+$/.test(text) || max < 1 || max > 1000) throw invalid("--max-sessions", "1 to 1000", text);
  return max;
}

function parseLanguage(text: string): Language {
  if (text !== "python" && text !== "node" && text !== "shell") {
    throw invalid("--language", "python, node or shell", text);
  }
  return languageOf(text);
}

function invalid(flag: string, expected: string, given: string): ServerError {
  return new ServerError("config_invalid", `${flag}: expected ${expected}, not ${JSON.stringify(given)}`);
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
