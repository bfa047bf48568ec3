import { readFileSync } from "node:fs";
import { percentile } from "../bench/statistics.js";
import { poll } from "../helpers/poll.js";
import type { ServerProcess } from "../helpers/server-process.js";

/** What is looked at from outside while users are at work. */
export const OBSERVED = ["fds", "threads", "guestMappings", "rssMiB", "sessions", "vms"] as const;
export type Observed = (typeof OBSERVED)[number];
export type Observation = Readonly<Record<Observed, number>>;

/** A server of which only the address is known: what its health says. */
export interface Watched {
  observe(): Promise<Observation>;
}

/** A server whose process is here. */
export function watchedProcess(server: ServerProcess): Watched {
  return {
    observe: async () => {
      const { sessions, vms } = (await server.health()).body;
      const { fds, threads, guestMappings } = server.held();
      return { fds, threads, guestMappings, rssMiB: residentMiB(server.pid), sessions, vms };
    },
  };
}

/** A server elsewhere: nothing is known of its process. */
export function watchedUrl(url: string): Watched {
  return {
    observe: async () => {
      const health = (await (await fetch(`${url}/v1/health`)).json()) as Pick<Observation, "sessions" | "vms">;
      return { fds: 0, threads: 0, guestMappings: 0, rssMiB: 0, sessions: health.sessions, vms: health.vms };
    },
  };
}

function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}

/** A server looked at now and then. */
export class Observer {
  readonly samples: Observation[] = [];
  readonly #watched: Watched;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(watched: Watched, intervalMs: number) {
    this.#watched = watched;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look();
    }, intervalMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      this.samples.push(await this.#watched.observe());
    } catch {
      // A server that has gone is found by those who use it.
    } finally {
      this.#looking = undefined;
    }
  }
}

/** How far above its start each figure may be once all users have gone. */
export const LEFT_OVER: Observation = {
  fds: 0,
  // V8 and libuv keep none that were not there after the warm-up.
  threads: 0,
  guestMappings: 0,
  rssMiB: 96,
  sessions: 0,
  vms: 0,
};

/**
 * What is left once everybody has gone.
 * @returns the last look, and what of it is too much: nothing when all came back in time
 */
export async function leftOver(
  watched: Watched,
  before: Observation,
  withinMs: number,
): Promise<{ readonly after: Observation; readonly tooMuch: readonly Observed[]; readonly tookMs: number }> {
  const start = performance.now();
  let after = await watched.observe();
  const tooMuch = () => OBSERVED.filter((name) => after[name] > before[name] + LEFT_OVER[name]);
  await poll("everything back", withinMs, async () => {
    after = await watched.observe();
    return tooMuch().length === 0 ? true : undefined;
  }).catch(() => {});
  return { after, tooMuch: tooMuch(), tookMs: performance.now() - start };
}

/** How a server is once the guests of a warm-up are gone; what else the warm-up has made stays. */
export async function settled(watched: Watched, fresh: Observation, withinMs: number): Promise<Observation> {
  const most = Number.POSITIVE_INFINITY;
  return (await leftOver(watched, { ...fresh, fds: most, threads: most, rssMiB: most }, withinMs)).after;
}

/** One line per figure: at the start, least, median and most while users were there, and afterwards. */
export function observedRows(before: Observation, samples: readonly Observation[], after: Observation): string[][] {
  return OBSERVED.map((name) => {
    const sorted = [...samples.map((sample) => sample[name]), before[name]].sort((a, b) => a - b);
    const of = (percent: number) => String(percentile(sorted, percent));
    return [name, String(before[name]), of(0), of(50), of(100), String(after[name])];
  });
}
