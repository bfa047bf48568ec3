import { get } from "node:http";
import { json } from "node:stream/consumers";
import { ServerProcess } from "../../helpers/server-process.js";
import { describeMachine, isEmulated, paceOf, serverArguments } from "../machine.js";
import { same } from "../mismatch.js";
import {
  leftOver,
  type Observation,
  Observer,
  observedRows,
  settled,
  type Watched,
  watchedProcess,
  watchedUrl,
} from "../observe.js";
import { Random } from "../random.js";
import { RawPeer } from "../raw-peer.js";
import { type Percentiles, percentiles, table } from "../report.js";
import { SdkPeer } from "../sdk-peer.js";
import { type AttackCounts, attack } from "./attacker.js";

const OBSERVE_EVERY_MS = 1000;
const BACK_WITHIN_MS = 15_000;

export interface SiegeOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly seed: number;
  readonly url?: string;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What became of a server among hostile clients. */
export interface SiegeReport {
  readonly seed: number;
  readonly machine: string;
  readonly emulated: boolean;
  readonly clients: number;
  readonly seconds: number;
  readonly connections: number;
  readonly messages: number;
  /** How often the server ended a connection with which close code; 1006: it was cut, by either side. */
  readonly closes: Readonly<Record<string, number>>;
  /** Cells of the one honest session, all of them answered right. */
  readonly honestMs: Percentiles;
  readonly healthMs: Percentiles;
  readonly before: Observation;
  readonly samples: readonly Observation[];
  readonly after: Observation;
  readonly backMs: number;
  readonly problems: readonly string[];
}

/** Hostile clients, and one honest session that must not notice. */
export async function besiege(options: SiegeOptions): Promise<SiegeReport> {
  if (options.url !== undefined) return besiegeAt(options.url, watchedUrl(options.url), options);
  await using server = await ServerProcess.ready(serverArguments(isEmulated(), paceOf(isEmulated(), options.clients)));
  const report = await besiegeAt(server.url, watchedProcess(server), options);
  const { exitCode } = await server.stop();
  return exitCode === 0 ? report : { ...report, problems: [...report.problems, `the server ended with ${exitCode}`] };
}

async function besiegeAt(url: string, watched: Watched, options: SiegeOptions): Promise<SiegeReport> {
  const { clients, seconds, seed, say, signal } = options;
  const pace = paceOf(isEmulated(), clients);
  const random = new Random(seed);
  const fresh = await watched.observe();
  await warmUp(url, clients, pace.patienceMs);
  const before = await settled(watched, fresh, BACK_WITHIN_MS * pace.slowness);
  say(`seed ${seed}; before: ${JSON.stringify(before)}`);
  const start = performance.now();
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), seconds * 1000);
  signal?.addEventListener("abort", () => over.abort(), { once: true });
  const counts: AttackCounts = { connections: 0, messages: 0, closes: new Map() };
  const problems: string[] = [];
  const noted = async (who: string, work: Promise<void>): Promise<void> => {
    await work.catch((error: unknown) => {
      problems.push(`${who}: ${error instanceof Error ? error.message : String(error)}`);
      over.abort();
    });
  };
  const observer = new Observer(watched, OBSERVE_EVERY_MS);
  const [honestMs, healthMs] = [[] as number[], [] as number[]];
  await Promise.all([
    ...Array.from({ length: clients }, () => attack(url, random.split(), counts, over.signal)),
    noted(
      "the SDK's session",
      honest(await SdkPeer.connect(url, pace.patienceMs), pace.patienceMs, honestMs, over.signal),
    ),
    noted(
      "the raw session",
      honest(await RawPeer.connect(url, pace.patienceMs), pace.patienceMs, honestMs, over.signal),
    ),
    noted("health", looksAtHealth(url, pace.patienceMs, healthMs, over.signal)),
  ]);
  clearTimeout(timer);
  await observer.stop();
  const lasted = (performance.now() - start) / 1000;
  const { after, tooMuch, tookMs } = await leftOver(watched, before, BACK_WITHIN_MS * pace.slowness);
  problems.push(...tooMuch.map((name) => `${name}: ${after[name]} afterwards, ${before[name]} before`));
  return {
    ...{ seed, machine: describeMachine(), emulated: isEmulated(), clients, seconds: lasted },
    ...{ connections: counts.connections, messages: counts.messages },
    closes: Object.fromEntries([...counts.closes].sort(([a], [b]) => a - b).map(([code, n]) => [String(code), n])),
    ...{ honestMs: percentiles(honestMs), healthMs: percentiles(healthMs) },
    ...{ before, samples: observer.samples, after, backMs: tookMs, problems },
  };
}

async function warmUp(url: string, sessions: number, patienceMs: number): Promise<void> {
  const peers = await Promise.all(Array.from({ length: sessions }, () => RawPeer.connect(url, patienceMs)));
  await Promise.all(peers.map((peer) => peer.run("print('x' * 100_000)").outcome));
  await Promise.all(peers.map((peer) => peer.close()));
}

/** Counts, and must never miss a number. */
async function honest(peer: SdkPeer | RawPeer, patienceMs: number, times: number[], until: AbortSignal): Promise<void> {
  await peer.run("count = 0").outcome;
  for (let count = 1; !until.aborted; count++) {
    const start = performance.now();
    const cell = peer.run("count += 1\nprint(count)");
    const { status } = await within(patienceMs, "an honest cell", cell.outcome);
    same("an honest cell", [status, cell.output.text("stdout")], ["ok", `${count}\n`]);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await peer.close();
}

/** Each time over a connection of its own. */
async function looksAtHealth(url: string, patienceMs: number, times: number[], until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    const start = performance.now();
    const { code, status } = await within(patienceMs, "health", healthOf(url));
    same("health", [code, status], [200, "ok"]);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function healthOf(url: string): Promise<{ readonly code: number | undefined; readonly status: unknown }> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/v1/health`, { agent: false }, (response) => {
      json(response).then(
        (body) => resolve({ code: response.statusCode, status: (body as { readonly status: unknown }).status }),
        reject,
      );
    });
    request.once("error", reject);
  });
}

async function within<T>(ms: number, what: string, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

export function formatSiege(report: SiegeReport): string {
  const { honestMs, healthMs } = report;
  const closes = Object.entries(report.closes).map(([code, n]) => `${code}: ${n}`);
  return [
    `seed ${report.seed}; ${report.clients} hostile clients for ${Math.round(report.seconds)} s on ${report.machine}`,
    `${report.connections} connections, ${report.messages} messages; close codes ${closes.join(", ")}`,
    `honest cells, ms: p50 ${honestMs.p50}, p99 ${honestMs.p99}, max ${honestMs.max} (${honestMs.n}, all right)`,
    `health, ms: p50 ${healthMs.p50}, p99 ${healthMs.p99}, max ${healthMs.max} (${healthMs.n})`,
    "",
    table([
      ["", "before", "min", "median", "max", "after"],
      ...observedRows(report.before, report.samples, report.after),
    ]),
    "",
    `everything back ${Math.round(report.backMs)} ms after the last client had gone`,
    ...(report.problems.length === 0 ? ["no problem"] : report.problems.map((problem) => `PROBLEM: ${problem}`)),
    "",
  ].join("\n");
}
