/**
 * `npm run test:cpython -- [--only NAME[,NAME]] [--json FILE]`
 *
 * CPython's own regression tests, inside forks: each module of modules.ts in a fork of its own, in the
 * agent's process. Ends with 1 when a test fails of which that is not known, or when what is known of
 * one is no longer true.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { packageRoot } from "../../native/guest/build/index.js";
import { EXIT, exitCodeOf } from "../../server/src/cli/exit-codes.js";
import { reportError } from "../../server/src/cli/report-error.js";
import { build } from "../../server/src/cli/template/build.js";
import { onStopSignal } from "../../server/src/stop-signals.js";
import { ServerProcess } from "../helpers/server-process.js";
import { type Choice, choose, UNKNOWN_NAME } from "./choose.js";
import { runModule } from "./module-run.js";
import { isBad } from "./records.js";
import { formatProblems, formatTable } from "./report.js";
import { isGood, judge, type Verdict } from "./verdict.js";

const TEMPLATE = "cpython-tests";
const RECIPE = join(packageRoot(), "test/cpython/recipe.json");

/** What takes so long is said, so that one sees what a run waits for. */
const SLOW_SECONDS = 10;

interface Options {
  readonly only?: string;
  readonly json?: string;
}

function say(line: string): void {
  process.stderr.write(`cpython: ${line}\n`);
}

async function runAll(
  chosen: readonly Choice[],
  json: string | undefined,
  signal: AbortSignal,
): Promise<readonly Verdict[]> {
  await build([], { name: TEMPLATE, from: RECIPE });
  await using server = await ServerProcess.ready(["--template", TEMPLATE, "--templates", TEMPLATE]);
  const verdicts: Verdict[] = [];
  for (const { module, tests } of chosen) {
    say(module.name);
    const run = await runModule(module, {
      ...{ url: server.url, template: TEMPLATE, only: tests, signal },
      onEnded: (test) => {
        const isSlow = test.seconds >= SLOW_SECONDS;
        if (isBad(test) || isSlow) say(`  ${test.outcome}: ${test.test} (${test.seconds.toFixed(1)} s)`);
      },
    });
    verdicts.push(judge(module, run, tests.length === 0));
    // What there is, however the rest ends.
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(verdicts, null, 2)}\n`);
  }
  return verdicts;
}

const program = new Command("test:cpython")
  .description("Run CPython's own tests inside forks.")
  .option("--only <names>", "modules, test classes or tests, separated by commas")
  .option("--json <file>", "write everything to this file as well")
  .exitOverride();

const stop = onStopSignal();
const stopping = new AbortController();
void stop.received.then(() => stopping.abort());
try {
  program.parse();
  const options = program.opts<Options>();
  const verdicts = await runAll(choose(options.only?.split(",") ?? []), options.json, stopping.signal);
  process.stdout.write(formatTable(verdicts) + formatProblems(verdicts));
  process.exitCode = verdicts.every(isGood) ? 0 : 1;
} catch (error) {
  if (error instanceof CommanderError) {
    // Its own it has said already.
    if (error.code === UNKNOWN_NAME) say(error.message);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (stopping.signal.aborted) process.exitCode = EXIT.interrupted;
  else {
    reportError(error);
    process.exitCode = exitCodeOf(error);
  }
} finally {
  stop.release();
}
