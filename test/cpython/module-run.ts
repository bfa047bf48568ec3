import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Execution, type ExecutionResult, Session, ZerobootError } from "@zeroboot/sdk";
import { packageRoot } from "../../native/guest/build/index.js";
import { DEFAULT_LIMIT_SECONDS, type TestModule } from "./modules.js";
import { type CellRecord, type EndedTest, recordOf } from "./records.js";

const CELL = readFileSync(join(packageRoot(), "test/cpython/cell.py"), "utf8");
/** Kept of what the tests print, for whoever looks for the reason of a failure. */
const MAX_PRINTED_BYTES = 20_000;
/** A fork is made in milliseconds, but the machine may be busy. */
const CONNECT_TIMEOUT_MS = 60_000;

/** What became of a module's tests. */
export interface ModuleRun {
  readonly module: string;
  readonly tests: readonly EndedTest[];
  /** Tests the module has and `leftOut` kept from being run. */
  readonly leftOut: number;
  readonly seconds: number;
  /** Why not all of its tests were run. */
  readonly cutShort?: string;
  readonly printed: string;
}

export interface ModuleRunOptions {
  readonly url: string;
  readonly template: string;
  /** Of these tests alone, or those below these names. */
  readonly only: readonly string[];
  readonly onEnded: (test: EndedTest) => void;
  readonly signal: AbortSignal;
}

/** Run a test module in a fork of its own. */
export async function runModule(module: TestModule, options: ModuleRunOptions): Promise<ModuleRun> {
  const { url, template, only, signal } = options;
  const progress = new Progress(options.onEnded);
  await using session = await Session.connect({ url, template, connectTimeoutMs: CONNECT_TIMEOUT_MS, signal });
  const start = performance.now();
  const { limitSeconds = DEFAULT_LIMIT_SECONDS, leftOut = [] } = module;
  const patterns = leftOut.flatMap(({ tests }) => tests);
  const call = `run(${python(`test.${module.name}`)}, only=${python(only)}, left_out=${python(patterns)}, limit_seconds=${limitSeconds})`;
  const execution = session.run(`${CELL}\n\n${call}\n`, {
    timeoutMs: limitSeconds * 1000,
    maxOutputBytes: MAX_PRINTED_BYTES,
    onDisplay: (bundle) => {
      const record = recordOf(bundle);
      if (record !== undefined) progress.take(record);
    },
    signal,
  });
  const { cutShort, printed } = await endOf(execution);
  signal.throwIfAborted();
  if (cutShort !== undefined) progress.stop(cutShort);
  return {
    module: module.name,
    tests: progress.tests,
    leftOut: progress.leftOut,
    seconds: (performance.now() - start) / 1000,
    ...(cutShort === undefined ? {} : { cutShort }),
    printed,
  };
}

/** JSON without `true`, `false` and `null` is Python. */
function python(value: string | readonly string[]): string {
  return JSON.stringify(value);
}

async function endOf(execution: Execution): Promise<{ readonly cutShort?: string; readonly printed: string }> {
  try {
    const result = await execution;
    const printed = result.stdout + result.stderr;
    return result.status === "ok" ? { printed } : { cutShort: howItEnded(result), printed };
  } catch (error) {
    // The guest is gone: no result, but what was shown until then.
    if (!(error instanceof ZerobootError)) throw error;
    return { cutShort: `${error.code}: ${error.message}`, printed: "" };
  }
}

function howItEnded({ status, stoppedBy, error }: ExecutionResult): string {
  if (status === "timeout") return `the time was up (stopped by ${stoppedBy ?? "nothing"})\n${error?.traceback ?? ""}`;
  return `${status}\n${error?.traceback ?? ""}`;
}

/** Which tests have ended, and which one has begun. */
class Progress {
  readonly tests: EndedTest[] = [];
  leftOut = 0;
  readonly #onEnded: (test: EndedTest) => void;
  #running: string | undefined;
  #since = performance.now();

  constructor(onEnded: (test: EndedTest) => void) {
    this.#onEnded = onEnded;
  }

  take(record: CellRecord): void {
    switch (record.kind) {
      case "running":
        this.#running = record.test;
        this.#since = performance.now();
        return;
      case "loaded":
        this.leftOut = record.left_out;
        this.#running = undefined;
        return;
      case "ended":
        this.#running = undefined;
        this.tests.push(record);
        this.#onEnded(record);
    }
  }

  /** The cell ended before its time, in the test that was running. */
  stop(message: string): void {
    const last = this.tests.at(-1);
    // The guest told of an interrupted test itself.
    if (this.#running === undefined && last !== undefined) return;
    const seconds = (performance.now() - this.#since) / 1000;
    this.take({ kind: "ended", test: this.#running ?? "?", outcome: "not ended", message, seconds });
  }
}
