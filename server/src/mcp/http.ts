import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, type McpServer } from "@modelcontextprotocol/server";
import { v7 as uuid } from "uuid";
import { checkOrigin } from "../access/admission.js";
import type { Gate } from "../access/gate.js";
import type { HostPolicy } from "../access/host-policy.js";
import { failure, refused } from "../http/responses.js";
import { listenError } from "../transport/listen-error.js";
import type { TransportRequest, TransportResponse } from "../transport/transport.js";

/** Where MCP is; nothing else is served. */
export const MCP_PATH = "/mcp";

export interface McpHttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly policy: HostPolicy;
  readonly gate: Gate;
  /** A server for one request of this owner's. */
  readonly createServer: (owner: string) => McpServer;
}

/** MCP over streamable HTTP, which listens. */
export interface McpHttp {
  readonly port: number;
  /** Ends requests and connections. */
  close(): Promise<void>;
}

/**
 * Serve MCP over HTTP: each request is whole in itself, and what lasts between them is in the sessions that tools
 * name. Who may ask is decided as for all else that this project serves.
 * @throws ServerError `port_in_use`, `listen_failed`
 */
export async function serveMcpHttp(options: McpHttpOptions): Promise<McpHttp> {
  const handler = createMcpHandler((context) => options.createServer(context.authInfo?.clientId ?? ""));
  const serve = toNodeHandler(handler);
  const http = createServer((request, response) => {
    const refusal = refusalOf(request, options);
    if ("status" in refusal) return respond(response, refusal);
    // What the SDK hands to the factory; no token goes further than this.
    const auth = { token: "", clientId: refusal.owner, scopes: [] };
    const { method = "GET", url = "/" } = request;
    void serve(Object.assign(request, { auth, method, url }), response);
  });
  http.listen(options.port, options.host);
  try {
    await once(http, "listening");
  } catch {
    throw await listenError(options.host, options.port);
  }
  return {
    port: (http.address() as AddressInfo).port,
    close: async () => {
      await handler.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function refusalOf(
  request: IncomingMessage,
  { policy, gate }: McpHttpOptions,
): TransportResponse | { readonly owner: string } {
  const id = uuid();
  const read = readRequest(request);
  const forbidden = checkOrigin(read, policy);
  if (forbidden !== undefined) return failure(forbidden, id);
  const caller = gate.admit(read);
  if ("code" in caller) return refused(caller, id);
  if (read.path !== MCP_PATH) return failure("not_found", id);
  return { owner: caller.owner ?? "" };
}

function readRequest(request: IncomingMessage): TransportRequest {
  const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
  const headers = new Map<string, string>();
  for (const [name, values] of Object.entries(request.headersDistinct)) headers.set(name, (values ?? []).join(", "));
  return { method: request.method ?? "GET", path, query, headers, remoteAddress: request.socket.remoteAddress ?? "" };
}

function respond(response: ServerResponse, { status, headers, body }: TransportResponse): void {
  response.writeHead(status, headers);
  response.end(body);
}
