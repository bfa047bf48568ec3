import { SUBPROTOCOL } from "@zeroboot/sdk/protocol";
import type { Platform } from "@zeroboot/sdk/transport";
import { v7 as uuid } from "uuid";
import type { Engine } from "../../native/engine.js";
import { checkOrigin, offeredSubprotocols, offersSubprotocol, parseSessionRequest } from "./access/admission.js";
import type { Caller, Gate, Refusal } from "./access/gate.js";
import type { HostPolicy } from "./access/host-policy.js";
import { type Health, healthResponse, type ServerStatus, templateHealth } from "./http/health.js";
import { pageRoutes } from "./http/page.js";
import type { PageFile } from "./http/page-files.js";
import { failure } from "./http/responses.js";
import { createRouter } from "./http/router.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics/metrics.js";
import { metricsRoute } from "./metrics/route.js";
import { execRoutes } from "./rest/exec.js";
import { openApiRoute } from "./rest/openapi.js";
import { sessionRoutes } from "./rest/sessions.js";
import type { FrameSink } from "./session/frame-sink.js";
import type { SessionSettings } from "./session/limits.js";
import { Session } from "./session/session.js";
import { SessionRegistry } from "./session/session-registry.js";
import type { TemplateShelf } from "./templates/template-shelf.js";
import type {
  Connection,
  ConnectionHandlers,
  ListenAddress,
  Transport,
  TransportAnswer,
  TransportHandlers,
  TransportOptions,
  TransportRequest,
  TransportResponse,
  UpgradeDecision,
} from "./transport/transport.js";
import { refuseConnection, serveSession } from "./websocket/endpoint.js";
import { loopbackPlatform } from "./websocket/loopback.js";

export const SESSION_PATH = "/v1/session";
const SESSIONS_PATH = "/v1/sessions";
const OPENAPI_PATH = "/v1/openapi.json";
const METRICS_PATH = "/v1/metrics";
const HEALTH_PATHS = ["/v1/health", "/health"];
/** How often a stopping server looks whether the reaper has finished, milliseconds. */
const REAPED_POLL_MS = 5;

export interface ServerOptions {
  readonly engine: Pick<Engine, "counts" | "totals">;
  readonly createTransport: (handlers: TransportHandlers, options: TransportOptions) => Promise<Transport>;
  readonly transport: TransportOptions;
  readonly policy: HostPolicy;
  readonly gate: Gate;
  readonly maxSessions: number;
  readonly maxSessionsPerKey: number;
  readonly settings: SessionSettings;
  /** What sessions are forked from. The server closes it when it stops. */
  readonly templates: TemplateShelf;
  /** The page at `/`; undefined: it has not been built. */
  readonly page: readonly PageFile[] | undefined;
  readonly metrics: Metrics;
  /** Of the package. */
  readonly version: string;
  readonly log: Logger;
}

/**
 * The server: listens before it has a template, serves sessions once it has, and stops with all
 * its VMs gone.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #transport: Transport;
  readonly #sessions: SessionRegistry;
  #draining = false;
  #stopped: Promise<boolean> | undefined;

  private constructor(options: ServerOptions, transport: Transport, sessions: SessionRegistry) {
    this.#options = options;
    this.#transport = transport;
    this.#sessions = sessions;
  }

  /** @throws ServerError when the transport cannot be loaded */
  static async create(options: ServerOptions): Promise<Server> {
    // The transport calls back only once it listens, and that is asked of it later.
    let server: Server | undefined;
    const present = (): Server => {
      if (server === undefined) throw new TypeError("a request before there is a server");
      return server;
    };
    const health = { methods: ["GET"], handle: () => healthResponse(present().health()) };
    const session = {
      methods: ["GET"],
      handle: (_: TransportRequest, id: string): TransportResponse =>
        failure("upgrade_required", id, { upgrade: "websocket" }),
    };
    const sessions = new SessionRegistry(options.maxSessions, options.maxSessionsPerKey);
    const exec = {
      gate: options.gate,
      open: (template: string, caller: Caller) => present().#openHere(template, caller),
      defaultTemplate: options.templates.defaultName,
      onRan: (totalMs: number) => options.metrics.ran(totalMs),
      log: options.log,
    };
    const sources = { engine: options.engine, sessions, templates: options.templates };
    const routes = {
      ...pageRoutes(options.page),
      ...Object.fromEntries(HEALTH_PATHS.map((path) => [path, health])),
      ...execRoutes(exec),
      ...sessionRoutes(SESSIONS_PATH, { gate: options.gate, sessions }),
      [METRICS_PATH]: metricsRoute({ gate: options.gate, metrics: options.metrics, sources }),
      [OPENAPI_PATH]: openApiRoute(options.version),
      [SESSION_PATH]: session,
    };
    const router = createRouter(options.policy, routes, {
      log: options.log,
      count: (answered) => options.metrics.answered(answered),
    });
    const handlers: TransportHandlers = {
      onRequest: router,
      onUpgrade: (request) => present().#upgrade(request, router),
    };
    const transport = await options.createTransport(handlers, options.transport);
    server = new Server(options, transport, sessions);
    return server;
  }

  /** @throws ServerError `port_in_use`, `listen_failed` */
  listen(host: string, port: number): Promise<ListenAddress> {
    return this.#transport.listen(host, port);
  }

  health(): Health {
    const templates = [...this.#options.templates.states()].map(
      ([name, state]) => [name, templateHealth(state)] as const,
    );
    return {
      status: this.#status,
      sessions: this.#sessions.size,
      vms: this.#options.engine.counts().vms,
      templates: Object.fromEntries(templates),
    };
  }

  /**
   * End every session, telling its client, and release everything. Idempotent.
   * @param deadlineMs after which what is left is left
   * @returns whether everything was released in time
   */
  stop(deadlineMs: number): Promise<boolean> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  get #status(): ServerStatus {
    if (this.#draining) return "draining";
    return this.#options.templates.hasDefault ? "ok" : "starting";
  }

  async #stop(deadlineMs: number): Promise<boolean> {
    const deadline = performance.now() + deadlineMs;
    this.#draining = true;
    this.#transport.stopListening();
    let emptied = false;
    void Promise.all([this.#sessions.disposeAll("shutting_down"), this.#options.templates.stop()]).then(() => {
      emptied = true;
    });
    const released = (): boolean => {
      const { vms, reaping } = this.#options.engine.counts();
      return emptied && vms === 0 && reaping === 0;
    };
    // At least one turn, in which the last frames leave.
    do await new Promise((resolve) => setTimeout(resolve, REAPED_POLL_MS));
    while (!released() && performance.now() < deadline);
    this.#options.templates.close();
    this.#transport.close();
    return released();
  }

  // Nothing in here may wait: the handshake is answered when it returns.
  #upgrade(request: TransportRequest, router: (request: TransportRequest) => TransportAnswer): UpgradeDecision {
    if (request.path !== SESSION_PATH) return { accept: false, response: atOnce(router(request)) };
    const admitted = this.#admit(request);
    if ("code" in admitted) {
      const { code, message } = admitted;
      this.#options.log.info({ code, remote: request.remoteAddress }, "session refused");
      this.#options.metrics.refused(code);
      return {
        accept: true,
        ...this.#confirmedProtocol(request),
        open: (connection) => refuseConnection(connection, code, message),
      };
    }
    const { template, caller } = admitted;
    return { accept: true, protocol: SUBPROTOCOL, open: (connection) => this.#serve(connection, template, caller) };
  }

  #serve(connection: Connection, template: string, caller: Caller): ConnectionHandlers {
    // Several may have been admitted before the first of them opened.
    const refused = this.#unavailable(template, caller);
    if (refused !== undefined) {
      this.#options.metrics.refused(refused.code);
      return refuseConnection(connection, refused.code, refused.message);
    }
    return serveSession(connection, (sink) => this.#startSession(template, caller, sink));
  }

  /** Sessions for this process's own use, as if over a wire. */
  #openHere(template: string, caller: Caller): Platform | Refusal {
    return (
      this.#unavailable(template, caller) ?? loopbackPlatform((connection) => this.#serve(connection, template, caller))
    );
  }

  #confirmedProtocol(request: TransportRequest): { protocol?: string } {
    return offersSubprotocol(offeredSubprotocols(request)) ? { protocol: SUBPROTOCOL } : {};
  }

  /** @returns what to fork and for whom, or why not */
  #admit(request: TransportRequest): { readonly template: string; readonly caller: Caller } | Refusal {
    const refused = checkOrigin(request, this.#options.policy);
    if (refused !== undefined) return { code: refused };
    const caller = this.#options.gate.admit(request);
    if ("code" in caller) return caller;
    if (!offersSubprotocol(offeredSubprotocols(request))) return { code: "subprotocol_unsupported" };
    const asked = parseSessionRequest(request.query);
    if (typeof asked === "string") return { code: asked };
    const template = asked.template ?? this.#options.templates.defaultName;
    return this.#unavailable(template, caller) ?? { template, caller };
  }

  /** Why this caller cannot have a session of this template now. One that is not there yet is asked for herewith. */
  #unavailable(template: string, { owner }: Caller): Refusal | undefined {
    const { templates } = this.#options;
    if (!templates.has(template)) return { code: "template_unknown" };
    if (this.#draining) return { code: "shutting_down" };
    const missing = templates.ask(template);
    if (missing !== undefined) return missing;
    const code = this.#sessions.refusal(owner);
    return code === undefined ? undefined : { code };
  }

  #startSession(name: string, caller: Caller, sink: FrameSink): Session {
    const template = this.#options.templates.ready(name);
    if (template === undefined) throw new TypeError(`template ${name} was admitted and is not there`);
    const id = uuid();
    const log = this.#options.log.child({ sessionId: id, ...(caller.holder && { key: caller.holder.id }) });
    const meter = this.#options.metrics.session(name);
    const session = new Session({
      id,
      template,
      templateName: name,
      settings: this.#options.settings,
      sink: meter.watch(sink),
      log,
      onClosing: () => meter.ending(),
      onClosed: () => {
        this.#sessions.remove(id);
        meter.ended();
        log.debug({}, "session closed");
      },
    });
    this.#sessions.add(session, caller.owner);
    log.debug({}, "session opened");
    session.start();
    return session;
  }
}

/** An upgrade is refused at once; where a body would have to be awaited, asking to upgrade is a mistake. */
function atOnce(answer: TransportAnswer): TransportResponse {
  return "status" in answer ? answer : failure("request_malformed", uuid());
}
