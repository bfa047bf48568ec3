import { ServerProcess } from "../helpers/server-process.js";
import { describeMachine, isEmulated, paceOf, serverArguments } from "./machine.js";
import { leftOver, Observer, settled, type Watched, watchedProcess, watchedUrl } from "./observe.js";
import { Random } from "./random.js";
import { RawPeer } from "./raw-peer.js";
import { actionsOf, percentiles, type SoakReport } from "./report.js";
import { SdkPeer } from "./sdk-peer.js";
import { Tally } from "./tally.js";
import { type Complaint, User } from "./user.js";

/** Between two looks at the server, milliseconds. */
const OBSERVE_EVERY_MS = 2000;
/** The product's promise is 1 s; this is what a busy machine gets, times its slowness. */
const BACK_WITHIN_MS = 10_000;
/** Between the first steps of two users, milliseconds. */
const STAGGER_MS = 50;

export interface SoakOptions {
  readonly users: number;
  readonly seconds: number;
  readonly seed: number;
  /** A server that runs already; a new one if absent. */
  readonly url?: string;
  readonly say: (line: string) => void;
  /** Ends the users' work early. */
  readonly signal?: AbortSignal;
}

/** Let random users loose on a server. @returns what they did, what became of the server, and every problem */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { url } = options;
  if (url !== undefined) return soakAt(url, watchedUrl(url), options);
  await using server = await ServerProcess.ready(serverArguments(isEmulated(), paceOf(isEmulated(), options.users)));
  const report = await soakAt(server.url, watchedProcess(server), options);
  const { exitCode } = await server.stop();
  const problems = [
    ...report.problems,
    ...(exitCode === 0 ? [] : [`the server ended with ${exitCode}`]),
    ...errorsOf(server.stderr).map((line) => `the server's log: ${line}`),
  ];
  return { ...report, problems };
}

async function soakAt(url: string, watched: Watched, options: SoakOptions): Promise<SoakReport> {
  const { users, seconds, seed, say } = options;
  const pace = paceOf(isEmulated(), users);
  const tally = new Tally();
  const fresh = await watched.observe();
  await warmUp(url, users, pace.patienceMs);
  const before = await settled(watched, fresh, BACK_WITHIN_MS * pace.slowness);
  say(`seed ${seed}; before: ${JSON.stringify(before)}`);
  const start = performance.now();
  const observer = new Observer(watched, OBSERVE_EVERY_MS);
  const complaints = await letLoose(url, tally, options);
  await observer.stop();
  const worked = (performance.now() - start) / 1000;
  say("all users have gone");
  const { after, tooMuch, tookMs } = await leftOver(watched, before, BACK_WITHIN_MS * pace.slowness);
  return {
    ...{ seed, machine: describeMachine(), emulated: isEmulated(), users, seconds: worked },
    ...{ sessions: tally.sessions, cells: tally.cells, restarts: tally.restarts },
    actions: actionsOf(tally),
    cellMs: percentiles(tally.cellMs),
    connectMs: percentiles(tally.connectMs),
    ...{ before, samples: observer.samples, after, backMs: tookMs },
    problems: [
      ...complaints.map(describe),
      ...tooMuch.map((name) => `${name}: ${after[name]} afterwards, ${before[name]} before`),
      ...(worked < seconds && options.signal?.aborted !== true ? [`ended after ${worked.toFixed(0)} s`] : []),
    ],
  };
}

/** What is made once and kept must not count as left over: as many sessions at a time as there will be. */
async function warmUp(url: string, sessions: number, patienceMs: number): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const peers = await Promise.all(
      Array.from({ length: sessions }, (_, i) => (i % 2 === 0 ? SdkPeer : RawPeer).connect(url, patienceMs)),
    );
    await Promise.all(peers.map((peer) => peer.run("print('x' * 100_000)").outcome));
    await Promise.all(peers.map((peer) => peer.close()));
  }
}

/** @returns the complaints of all users; the first one sends everybody home */
async function letLoose(url: string, tally: Tally, options: SoakOptions): Promise<Complaint[]> {
  const { users, seconds, seed, say, signal } = options;
  const random = new Random(seed);
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), seconds * 1000);
  signal?.addEventListener("abort", () => over.abort(), { once: true });
  const pace = paceOf(isEmulated(), users);
  try {
    const lives = Array.from({ length: users }, async (_, i) => {
      const user = new User({ name: `user-${i + 1}`, url, random: random.split(), tally, pace });
      await new Promise((resolve) => setTimeout(resolve, i * STAGGER_MS));
      const complaint = await user.live(over.signal);
      if (complaint !== undefined) {
        say(describe(complaint));
        over.abort();
      }
      return complaint;
    });
    return (await Promise.all(lives)).filter((complaint) => complaint !== undefined);
  } finally {
    clearTimeout(timer);
  }
}

function describe({ user, error, history }: Complaint): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `${user}: ${what}\n${history}`;
}

/** What the server itself calls an error. */
function errorsOf(log: string): string[] {
  return log.split("\n").filter((line) => /"level":(50|60|"error"|"fatal")/.test(line));
}
