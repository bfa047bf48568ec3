import { readFileSync } from "node:fs";
import type { SessionBase } from "@zeroboot/sdk/transport";
import { ServerError } from "../errors.js";
import { onStopSignal } from "../stop-signals.js";
import { type ConnectedSession, connect, type SessionOptions } from "./connect.js";
import { endedWithSession, type Ran, ranBy } from "./exec-result.js";
import { EXIT } from "./exit-codes.js";
import { longestTimeout } from "./longest-timeout.js";
import { flushed, type StandardStreams, writeAll } from "./standard-streams.js";
import { StdinFeed } from "./stdin-feed.js";

/** Options of `zeroboot exec`, as the command line has them. */
export interface ExecOptions extends SessionOptions {
  readonly file?: string;
  readonly timeout?: string;
  readonly print?: boolean;
}

/** A program to run. */
interface Program {
  readonly code: string;
  /** Milliseconds; as long as the session allows if undefined. */
  readonly timeoutMs: number | undefined;
  /** Whether standard input is the program's: it is not where the code came that way. */
  readonly takesStdin: boolean;
}

/**
 * Run code in a VM of its own, on this machine or on a server: its standard streams are this process's.
 * @returns the program's own exit code, or 124, or 125
 * @throws ServerError `input_invalid`, `config_invalid`; EngineError, SetupError; the SDK's errors
 */
export async function exec(
  code: string | undefined,
  options: ExecOptions,
  streams: StandardStreams = process,
): Promise<number> {
  const program: Program = {
    code: readCode(code, options.file),
    timeoutMs: parseTimeout(options.timeout),
    takesStdin: code !== "-",
  };
  const interrupt = new AbortController();
  const stop = onStopSignal();
  void stop.received.then(() => interrupt.abort());
  // Whoever reads our output has left: there is nobody to run for.
  for (const stream of [streams.stdout, streams.stderr]) stream.on("error", () => process.exit(EXIT.failure));
  let connected: ConnectedSession | undefined;
  try {
    connected = await connect(options, streams, interrupt.signal);
    const ran = await run(connected.session, program, streams, interrupt.signal);
    report(ran, options.print === true, streams);
    return ran.exitCode;
  } catch (error) {
    // What gives up because of the signal may throw the signal's own reason: nothing that has to be told.
    if (error === interrupt.signal.reason) return EXIT.interrupted;
    throw error;
  } finally {
    await connected?.close();
    stop.release();
    await Promise.all([flushed(streams.stdout), flushed(streams.stderr)]);
  }
}

/** @param signal once aborted, the program is interrupted */
async function run(
  session: SessionBase,
  program: Program,
  streams: StandardStreams,
  signal: AbortSignal,
): Promise<Ran> {
  signal.throwIfAborted();
  const feed = program.takesStdin ? new StdinFeed(streams) : undefined;
  const execution = session.run(program.code, {
    // It is passed on, not kept.
    maxOutputBytes: 0,
    displaysInStdout: true,
    ...(program.timeoutMs === undefined ? longestTimeout(session.limits) : { timeoutMs: program.timeoutMs }),
    ...(feed === undefined ? {} : { stdin: "open", onInputRequest: (request) => feed.requested(request) }),
  });
  const interrupt = () => execution.interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  feed?.start(execution);
  try {
    await Promise.all([
      pass(execution.stdout.bytes(), (data) => writeAll(streams.stdout, data)),
      pass(execution.stderr.bytes(), (data) => writeAll(streams.stderr, data)),
    ]);
    const result = await execution;
    const ran = ranBy(result);
    if (result.status !== "killed" || result.stoppedBy !== undefined) return ran;
    const end = await session.closed;
    return endedWithSession(ran, end.code, end.message);
  } finally {
    feed?.release();
    signal.removeEventListener("abort", interrupt);
  }
}

async function pass(stream: AsyncIterable<Uint8Array>, to: (data: Uint8Array) => Promise<void>): Promise<void> {
  for await (const data of stream) await to(data);
}

function report(ran: Ran, print: boolean, { stdout, stderr }: StandardStreams): void {
  if (print && ran.result !== undefined) stdout.write(`${ran.result}\n`);
  if (ran.traceback !== undefined) stderr.write(withNewline(ran.traceback));
  if (ran.truncated) stderr.write("zeroboot: output was cut\n");
  if (ran.status === "timeout") stderr.write("zeroboot: the program ran out of time\n");
  if (ran.failure !== undefined) stderr.write(`zeroboot: ${ran.failure}\n`);
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
