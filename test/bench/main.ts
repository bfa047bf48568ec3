/**
 * `npm run bench -- [template] [fork] [cell] [session] [rest] [runtimes] [--quick] [--json FILE]`
 *
 * Measures this checkout on this machine, in one run: progress on stderr, the table on stdout. Ends
 * with 1 if anything that was measured failed even once; a missed goal is said, and no failure.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Argument, Command, CommanderError } from "commander";
import { packageRoot, recipeNames, TextProgress } from "../../native/guest/build/index.js";
import { loadEngine } from "../../native/index.js";
import { EXIT, exitCodeOf } from "../../server/src/cli/exit-codes.js";
import { reportError } from "../../server/src/cli/report-error.js";
import { onStopSignal } from "../../server/src/stop-signals.js";
import { buildEngineBench, type MemoryPerFork, runEngineBench } from "./engine-bench.js";
import { describeHost } from "./host.js";
import { type Counts, DEFAULT_SCENARIOS, FULL, QUICK, SCENARIOS, type Scenario } from "./plan.js";
import { holdAgainstGoals } from "./reach.js";
import { formatReport, type Report, writeJson } from "./report.js";
import { measureRest } from "./rest.js";
import { measureRuntime, RUNTIMES, type RuntimeDescription } from "./runtimes.js";
import { Samples } from "./samples.js";
import { ServerProcess } from "./server-process.js";
import { measureSessions } from "./sessions.js";
import { openTemplate, TEMPLATE } from "./template.js";

/** A figure had a failure, or a scenario could not be measured to its end. */
const FAILED = 1;

interface Options {
  readonly json?: string;
  readonly quick?: true;
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

/** @returns the report, and whether all of it was measured */
async function measure(
  scenarios: ReadonlySet<Scenario>,
  counts: Counts,
  signal: AbortSignal,
): Promise<{ readonly report: Report; readonly complete: boolean }> {
  const root = packageRoot();
  const program = await buildEngineBench(root, signal);
  const engine = loadEngine();
  const host = engine.probeHost();
  const samples = new Samples(say);
  let complete = true;
  const scenario = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    say(what);
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      reportError(error);
      complete = false;
      return undefined;
    }
  };

  const progress = new TextProgress(process.stderr);
  const buildFigure = scenarios.has("template") ? "template/build" : undefined;
  const template = await openTemplate(engine, host, TEMPLATE, buildFigure, samples, progress, signal);
  let memory: MemoryPerFork | null = null;
  if (scenarios.has("template") || scenarios.has("fork") || scenarios.has("cell")) {
    const rounds = {
      loads: scenarios.has("template") ? counts.loads : 0,
      forks: scenarios.has("fork") ? counts.forks : 0,
      cells: scenarios.has("cell") ? counts.cells : 0,
      idleForks: scenarios.has("fork") ? counts.idleForks : 0,
    };
    const found = await scenario("the engine, without a server", () =>
      runEngineBench(program, template, { rounds }, samples, signal),
    );
    memory = found ?? null;
  }
  const atServer = async (what: string, work: (url: string) => Promise<void>) =>
    scenario(`${what}, through a server`, async () => {
      const server = await ServerProcess.start(root, TEMPLATE, signal);
      try {
        await work(server.url);
      } finally {
        await server.stop();
      }
    });
  if (scenarios.has("session")) await atServer("sessions", (url) => measureSessions(url, counts.sessions, samples));
  if (scenarios.has("rest")) await atServer("programs", (url) => measureRest(url, counts.rest, samples));
  const runtimes: RuntimeDescription[] = [];
  if (scenarios.has("runtimes")) {
    const known = await recipeNames();
    for (const runtime of RUNTIMES.filter(({ template: name }) => known.includes(name))) {
      const found = await scenario(`the runtime ${runtime.template}`, async () => {
        const opened = await openTemplate(
          engine,
          host,
          runtime.template,
          `${runtime.template}/template_build`,
          samples,
          progress,
          signal,
        );
        return await measureRuntime(program, runtime, opened, counts, samples, signal);
      });
      if (found !== undefined) runtimes.push(found);
    }
  }
  const results = samples.figures();
  complete &&= results.every(({ n, ok }) => ok === n);
  const description = await describeHost(host, template.info, memory, root);
  return { report: { host: description, runtimes, results, ratios: holdAgainstGoals(results) }, complete };
}

async function bench(names: readonly Scenario[], options: Options): Promise<number> {
  // Known before an hour has been measured.
  if (options.json !== undefined) await access(dirname(resolve(options.json)), constants.W_OK);
  const scenarios = new Set(names.length === 0 ? DEFAULT_SCENARIOS : names);
  const stop = onStopSignal();
  const stopping = new AbortController();
  void stop.received.then(() => stopping.abort());
  try {
    const { report, complete } = await measure(scenarios, options.quick === true ? QUICK : FULL, stopping.signal);
    process.stdout.write(formatReport(report));
    if (options.json !== undefined) await writeJson(report, options.json);
    if (complete) return EXIT.ok;
    say("not everything could be measured: see above, and where ok is less than n");
    return FAILED;
  } catch (error) {
    if (stopping.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    stop.release();
  }
}

async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command("bench")
    .description("Measure forks, cells and sessions on this machine.")
    .addArgument(
      new Argument("[scenario...]", `what to measure (default: ${DEFAULT_SCENARIOS.join(" ")})`).choices(SCENARIOS),
    )
    .option("--json <file>", "write everything to this file as well")
    .option("--quick", "few rounds: to see that it works")
    .exitOverride()
    .action(async (names: Scenario[], options: Options) => {
      exitCode = await bench(names, options);
    });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
    reportError(error);
    return exitCodeOf(error);
  }
}

process.exit(await main(process.argv.slice(2)));
