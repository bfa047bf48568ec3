/**
 * `npm run soak -- --minutes 10 --sessions 30 [--seed N] [--url URL] [--json FILE] [--hostile]`
 *
 * Random users work against a live server, each with a model of what it must see; or, with
 * `--hostile`, clients that mean harm do. Ends with 1 at the first mismatch, or when the server does
 * not get back to what it held before.
 */
import { writeFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { onStopSignal } from "../../server/src/stop-signals.js";
import { besiege, formatSiege } from "./hostile/siege.js";
import { formatReport } from "./report.js";
import { soak } from "./soak.js";

interface Options {
  readonly minutes: number;
  readonly sessions: number;
  readonly seed: number;
  readonly url?: string;
  readonly json?: string;
  readonly hostile?: true;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

function say(line: string): void {
  process.stderr.write(`soak: ${line}\n`);
}

async function run({ minutes, sessions, seed, url, json, hostile }: Options): Promise<readonly string[]> {
  const stop = onStopSignal();
  const stopping = new AbortController();
  void stop.received.then(() => stopping.abort());
  const given = { seconds: minutes * 60, seed, say, signal: stopping.signal, ...(url === undefined ? {} : { url }) };
  say(`seed ${seed}`);
  try {
    const report =
      hostile === true ? await besiege({ ...given, clients: sessions }) : await soak({ ...given, users: sessions });
    process.stdout.write("users" in report ? formatReport(report) : formatSiege(report));
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    return report.problems;
  } finally {
    stop.release();
  }
}

const program = new Command("soak")
  .description("Let random users work against a server, and check everything they see.")
  .option("--minutes <n>", "how long", positive, 10)
  .option("--sessions <n>", "users at a time", positive, 30)
  .option("--seed <n>", "do what that run did", positive, Math.floor(Math.random() * 0xffff_ffff) + 1)
  .option("--url <url>", "of a server that runs already; a new one otherwise")
  .option("--json <file>", "write everything to this file as well")
  .option("--hostile", "clients that send rubbish in place of users")
  .exitOverride();

try {
  program.parse();
  process.exitCode = (await run(program.opts<Options>())).length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
