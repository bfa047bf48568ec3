/**
 * `npm run bench:setting -- FILE... --values A,B [--turns N] [--scenarios fork,cell]`
 *
 * What a setting of the kernel's does to the bench's figures: whole runs of it with each value, in turn
 * (A B A B), since a machine's speed drifts. For root; the setting is put back at the end.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import * as z from "zod";
import { packageRoot } from "../../../native/guest/build/index.js";
import { EXIT, exitCodeOf } from "../../../server/src/cli/exit-codes.js";
import { reportError } from "../../../server/src/cli/report-error.js";
import { onStopSignal } from "../../../server/src/stop-signals.js";
import { BenchError } from "../errors.js";
import { percentile } from "../statistics.js";
import { formatTable } from "../table.js";
import { KernelSetting } from "./kernel-setting.js";

const report = z.object({
  results: z.array(z.object({ name: z.string(), n: z.number(), ok: z.number(), p50: z.number().nullable() })),
});

interface Options {
  readonly values: readonly [string, string];
  readonly turns: number;
  readonly scenarios: readonly string[];
}

/** Of one figure, with each of the two values, the median of each run. */
type Medians = readonly [number[], number[]];

/** @throws BenchError when a run of the bench fails */
async function runBench(scenarios: readonly string[], signal: AbortSignal): Promise<Map<string, number>> {
  const directory = await mkdtemp(join(tmpdir(), "zeroboot-bench-"));
  try {
    const json = join(directory, "results.json");
    const program = join(packageRoot(), "dist", "test", "bench", "main.js");
    await promisify(execFile)(process.execPath, [program, ...scenarios, "--json", json], { signal });
    const { results } = report.parse(JSON.parse(await readFile(json, "utf8")));
    const failed = results.find(({ n, ok }) => ok < n);
    if (failed !== undefined) throw new BenchError(`${failed.name} failed ${failed.n - failed.ok} times`);
    return new Map(results.flatMap(({ name, p50 }) => (p50 === null ? [] : [[name, p50]])));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function compare(files: readonly string[], options: Options, signal: AbortSignal): Promise<string> {
  const setting = new KernelSetting(files);
  // A second Ctrl-C ends the process without what follows.
  const restore = (): void => setting.restore();
  process.once("exit", restore);
  const figures = new Map<string, Medians>();
  try {
    for (let turn = 1; turn <= options.turns; turn++) {
      for (const i of [0, 1] as const) {
        process.stderr.write(`bench: turn ${turn} of ${options.turns}, ${options.values[i]}\n`);
        setting.set(options.values[i]);
        for (const [name, p50] of await runBench(options.scenarios, signal)) {
          const medians: Medians = figures.get(name) ?? [[], []];
          medians[i].push(p50);
          figures.set(name, medians);
        }
      }
    }
  } finally {
    process.off("exit", restore);
    setting.restore();
  }
  const [a, b] = options.values;
  const head = ["microseconds, p50", a, b, `${b} / ${a}`, `each, ${a}`, `each, ${b}`];
  const rows = [...figures].map(([name, medians]) => {
    const [one, other] = medians.map((all) =>
      percentile(
        [...all].sort((x, y) => x - y),
        50,
      ),
    ) as [number, number];
    const each = medians.map((all) => all.map((time) => time.toFixed(0)).join(" "));
    return [name, one.toFixed(1), other.toFixed(1), (other / one).toFixed(2), ...each];
  });
  return formatTable([head, ...rows]);
}

function two(text: string): readonly [string, string] {
  const [a, b, ...more] = text.split(",");
  if (!a || !b || more.length > 0) throw new InvalidArgumentError("Two values, as in never,always.");
  return [a, b];
}

function positive(text: string): number {
  const turns = Number(text);
  if (!Number.isInteger(turns) || turns < 1) throw new InvalidArgumentError("A number from 1.");
  return turns;
}

async function main(args: readonly string[]): Promise<number> {
  const stop = onStopSignal();
  const stopping = new AbortController();
  void stop.received.then(() => stopping.abort());
  const program = new Command("bench:setting")
    .description("What a setting of the kernel's does to the bench's figures.")
    .argument("<file...>", "below /proc/sys or /sys; several get the same values")
    .requiredOption("--values <a,b>", "the two values to compare", two)
    .option("--turns <n>", "runs of the bench with each", positive, 3)
    .option("--scenarios <list>", "what the bench measures", (text) => text.split(","), ["fork", "cell"])
    .exitOverride()
    .action(async (files: string[], options: Options) => {
      process.stdout.write(`${await compare(files, options, stopping.signal)}\n`);
    });
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (stopping.signal.aborted && !(error instanceof AggregateError)) return EXIT.interrupted;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
    reportError(error);
    return exitCodeOf(error);
  } finally {
    stop.release();
  }
}

process.exit(await main(process.argv.slice(2)));
