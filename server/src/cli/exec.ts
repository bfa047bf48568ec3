import { readFileSync } from "node:fs";
import { type Config, loadConfig } from "../config/config.js";
import { ServerError } from "../errors.js";
import { onStopSignal } from "../stop-signals.js";
import type { Ran } from "./exec-result.js";
import { EXIT } from "./exit-codes.js";

/** Options of `zeroboot exec`, as the command line has them. */
export interface ExecOptions {
  readonly file?: string;
  readonly timeout?: string;
  readonly print?: boolean;
  readonly url?: string;
  readonly apiKey?: string;
  readonly template: string;
  readonly snapshot?: string;
  readonly memoryMb?: string;
  readonly kernel?: string;
}

/** A program to run, and where its output goes. */
export interface ExecRequest {
  readonly code: string;
  /** Milliseconds; none if undefined. */
  readonly timeoutMs: number | undefined;
  onStdout(data: Uint8Array): void;
  onStderr(data: Uint8Array): void;
  /** Aborted once: interrupt the program, or stop preparing for it. */
  readonly signal: AbortSignal;
}

/**
 * Run code in a VM of its own, on this machine or on a server, and pass its output on.
 * @returns the program's own exit code, or 124, or 125
 * @throws ServerError `input_invalid`, `config_invalid`; EngineError, SetupError; the SDK's errors
 */
export async function exec(code: string | undefined, options: ExecOptions): Promise<number> {
  const config = templateConfig(options);
  const interrupt = new AbortController();
  const stop = onStopSignal();
  void stop.received.then(() => interrupt.abort());
  // Whoever reads our output has left: there is nobody to run for.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(EXIT.failure));
  try {
    const request: ExecRequest = {
      code: readCode(code, options.file),
      timeoutMs: parseTimeout(options.timeout),
      onStdout: (data) => process.stdout.write(data),
      onStderr: (data) => process.stderr.write(data),
      signal: interrupt.signal,
    };
    return report(await run(request, config, options), options.print === true);
  } catch (error) {
    // What gives up because of the signal may throw the signal's own reason: nothing that has to be told.
    if (error === interrupt.signal.reason) return EXIT.interrupted;
    throw error;
  } finally {
    stop.release();
  }
}

async function run(request: ExecRequest, config: Config, options: ExecOptions): Promise<Ran> {
  if (options.url !== undefined) {
    const { execOnServer } = await import("./exec-on-server.js");
    return execOnServer(request, options.url, options.apiKey, options.template);
  }
  const { execHere } = await import("./exec-here.js");
  return execHere(request, config);
}

function report(ran: Ran, print: boolean): number {
  if (print && ran.result !== undefined) process.stdout.write(`${ran.result}\n`);
  if (ran.traceback !== undefined) process.stderr.write(withNewline(ran.traceback));
  if (ran.truncated) process.stderr.write("zeroboot: output was cut\n");
  if (ran.status === "timeout") process.stderr.write("zeroboot: the program ran out of time\n");
  if (ran.failure !== undefined) process.stderr.write(`zeroboot: ${ran.failure}\n`);
  return ran.exitCode;
}

function templateConfig(options: ExecOptions): Config {
  const { template, snapshot, memoryMb, kernel } = options;
  return loadConfig(
    {
      template,
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(kernel === undefined ? {} : { kernel }),
    },
    {},
  );
}

function readCode(code: string | undefined, file: string | undefined): string {
  if ((code === undefined) === (file === undefined)) {
    throw new ServerError("input_invalid", "give either code or --file", {
      remedy: "For example: zeroboot exec 'print(1+1)'",
    });
  }
  if (code !== undefined && code !== "-") return code;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file ?? 0));
  } catch (cause) {
    throw new ServerError("input_invalid", `cannot read ${file ?? "standard input"} as UTF-8 text`, { cause });
  }
}

function parseTimeout(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const milliseconds = Math.round(Number(seconds) * 1000);
  if (!/^\d+(\.\d+)?$/.test(seconds) || milliseconds < 1 || milliseconds > 3_600_000) {
    throw new ServerError("config_invalid", `--timeout: expected seconds, at most 3600, not ${seconds}`);
  }
  return milliseconds;
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
