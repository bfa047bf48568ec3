import { join } from "node:path";
import { bothOf, packageRoot, recipeNames, TextProgress } from "../../native/guest/build/index.js";
import { loadEngine } from "../../native/index.js";
import { TrustedProxies } from "./access/client-address.js";
import { Gate } from "./access/gate.js";
import { HostPolicy } from "./access/host-policy.js";
import { API_KEYS_VARIABLE, loadApiKeys } from "./access/key-files.js";
import { KeyRing } from "./access/key-ring.js";
import { RateLimits } from "./access/rate-limits.js";
import { type Config, packageVersion, requireSafeBind } from "./config/config.js";
import { creationStall } from "./host/creation-stall.js";
import { type PageFile, readPageFiles } from "./http/page-files.js";
import type { Logger } from "./logger.js";
import { Metrics } from "./metrics/metrics.js";
import { createLogger } from "./pino-logger.js";
import { Server } from "./server.js";
import { DEFAULT_SESSION_SETTINGS } from "./session/limits.js";
import { onHangUp, onStopSignal } from "./stop-signals.js";
import { servedNames } from "./templates/served-names.js";
import { TemplateShelf } from "./templates/template-shelf.js";
import { type TemplateRequest, TemplateStore } from "./templates/template-store.js";
import { checkTlsFiles, type TlsFiles } from "./transport/tls-files.js";
import type { ListenAddress, TransportOptions } from "./transport/transport.js";
import { createUwsTransport } from "./transport/uws.js";

const MEBI = 1024 * 1024;

const TRANSPORT: TransportOptions = {
  // Above the protocol's own limit, so that a frame that is a little too large is told so.
  maxMessageBytes: 4 * MEBI,
  // Well above a client's credit and one frame more, so that only who does not read at all overflows it.
  maxQueuedBytes: 4 * MEBI,
  peerTimeoutSeconds: 60,
};

/**
 * The composition root: make everything a server needs of the configuration, serve until told to
 * stop, and release it all.
 * @returns the process's exit code
 * @throws EngineError before anything is fetched if there is no KVM; ServerError, SetupError
 */
export async function serve(config: Config): Promise<number> {
  const log = createLogger(config.logLevel);
  const engine = loadEngine();
  const host = engine.probeHost();
  const ring = new KeyRing(() => loadApiKeys({ file: config.apiKeysFile, variable: process.env[API_KEYS_VARIABLE] }));
  requireSafeBind(config.host, ring.keys !== undefined);
  const tls = tlsOf(config, log);
  const page = readPage(log);
  const store = new TemplateStore(engine, host);
  const names = servedNames(config, await recipeNames({ directory: store.layout.recipes }));
  const templates = shelfOf(config, names, store, log);
  const version = packageVersion(packageRoot());
  const metrics = new Metrics({ version, kvm: host.kind });
  metrics.watchProcess();
  const server = await Server.create({
    engine,
    createTransport: createUwsTransport,
    transport: tls === undefined ? TRANSPORT : { ...TRANSPORT, tls },
    policy: new HostPolicy([...config.allowHost, config.host], config.allowOrigin),
    gate: new Gate(ring, new RateLimits(), new TrustedProxies(config.trustProxy)),
    maxSessions: config.maxSessions,
    maxSessionsPerKey: config.maxSessionsPerKey,
    settings: {
      ...DEFAULT_SESSION_SETTINGS,
      defaultTimeoutMs: config.defaultTimeoutMs,
      maxTimeoutMs: config.maxTimeoutMs,
      maxQueuedExecutions: config.maxQueuedExecutions,
      idleTimeoutMs: config.sessionIdleTimeoutMs,
      lifetimeMs: config.sessionLifetimeMs,
      maxOutputBytes: config.maxOutputBytes,
      maxSessionOutputBytes: config.maxSessionOutputBytes,
      interruptGraceMs: config.interruptGraceMs,
    },
    templates,
    page,
    metrics,
    version,
    log,
  });
  const stopping = new AbortController();
  const stopSignal = onStopSignal();
  const releaseHangUp = onHangUp(
    () => reloadKeys(ring, log),
    () => void process.kill(process.pid, "SIGTERM"),
  );
  const stopped = stopSignal.received.then(async (signal) => {
    log.info({ signal }, "stopping");
    stopping.abort();
    const released = await server.stop(config.shutdownTimeoutMs);
    if (!released) log.warn({}, "stopped before everything was released");
  });
  try {
    const address = await server.listen(config.host, config.port);
    log.info({ version, ...address, kvm: host.description, quirks: host.quirks }, "listening");
    const stall = creationStall();
    if (stall !== undefined) log.warn({ remedy: stall.remedy }, stall.what);
    const { info } = await templates.openDefault();
    if (!stopping.signal.aborted) {
      process.stdout.write(greeting(config, address, info.runtime, templates, page !== undefined));
      void templates.prebuild(config.prebuild);
    }
    await stopped;
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) {
      await stopped;
      return 0;
    }
    await server.stop(config.shutdownTimeoutMs);
    throw error;
  } finally {
    stopSignal.release();
    releaseHangUp();
  }
}

/** @throws ServerError `tls_invalid` before anything is fetched or made */
function tlsOf({ tlsCert, tlsKey }: Config, log: Logger): TlsFiles | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const tls = { certificate: tlsCert, key: tlsKey };
  for (const warning of checkTlsFiles(tls)) log.warn({}, warning);
  return tls;
}

/** Said, and never fatal: a server with the keys it had is better than none. */
function reloadKeys(ring: KeyRing, log: Logger): void {
  try {
    if (ring.reload()) log.info({}, "API keys read anew");
    else log.warn({}, "there are no API keys any more: those known so far stay in force");
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : String(error) }, "API keys were not read anew");
  }
}

/** The templates of this machine, on a shelf. */
function shelfOf(
  config: Config,
  names: readonly [string, ...string[]],
  store: TemplateStore,
  log: Logger,
): TemplateShelf {
  const request = (name: string): TemplateRequest => ({
    name,
    kernelPath: config.kernel,
    ...(name === config.template ? { memoryMb: config.memoryMb, snapshotPath: config.snapshot } : {}),
  });
  return new TemplateShelf({
    names,
    open: (name, recorded, signal) => {
      const progress = name === config.template ? bothOf(recorded, new TextProgress(process.stderr)) : recorded;
      return store.open({ ...request(name), progress, signal });
    },
    isKept: async (name) => (await store.kept(request(name))) !== undefined,
    log,
  });
}

/** The server is of use without its page. */
function readPage(log: Logger): PageFile[] | undefined {
  try {
    return readPageFiles(join(packageRoot(), "dist/web-demo"));
  } catch (error) {
    log.warn({ error: error instanceof Error ? error.message : String(error) }, "there is no page at /");
    return undefined;
  }
}

/** Where the server listens and how to talk to it. */
function greeting(
  config: Config,
  address: ListenAddress,
  runtime: string,
  templates: TemplateShelf,
  hasPage: boolean,
): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const scheme = config.tlsCert === undefined ? "http" : "https";
  const url = `${scheme}://${host === "0.0.0.0" || host === "[::]" ? "127.0.0.1" : host}:${address.port}`;
  const others = [...templates.states().keys()].filter((name) => name !== config.template);
  return [
    `Zeroboot serves ${config.template} (${runtime}) at ${url}`,
    ...(others.length === 0 ? [] : [`  also     ${others.join(", ")}  (?template=NAME; made when first asked for)`]),
    ...(hasPage ? [`  page     ${url}/`] : []),
    `  try      npx zeroboot exec --url ${url} 'print(1+1)'`,
    `  health   curl ${url}/v1/health`,
    `  connect  ${url.replace("http", "ws")}/v1/session  (subprotocol zeroboot.v1.msgpack)`,
    "",
  ].join("\n");
}
