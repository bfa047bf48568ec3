import { join } from "node:path";
import type { SessionBase } from "@zeroboot/sdk/transport";
import { defaultHome } from "../../../native/guest/build/index.js";
import { type ConnectedSession, connect, type SessionOptions } from "./connect.js";
import { EXIT } from "./exit-codes.js";
import { completeLine } from "./repl/completer.js";
import type { Console } from "./repl/console.js";
import { HistoryFile } from "./repl/history-file.js";
import { CellLoop } from "./repl/loop.js";
import { paintTraceback, takesColor } from "./repl/paint.js";
import { PipedConsole } from "./repl/piped-console.js";
import { Terminal } from "./repl/terminal.js";
import { flushed, type StandardStreams } from "./standard-streams.js";

/** Options of `zeroboot repl`, as the command line has them. */
export interface ReplOptions extends SessionOptions {
  /** False: what is typed is neither kept nor recalled. */
  readonly history?: boolean;
}

/**
 * Cells one after the other in one session: from a terminal, or from a pipe or file, then without
 * prompts.
 * @returns 0; without a terminal the exit code of the first cell that failed; 125 or 137 when the session ended
 * @throws ServerError `config_invalid`; EngineError, SetupError; the SDK's errors
 */
export async function repl(options: ReplOptions, streams: StandardStreams = process): Promise<number> {
  const gaveUp = new AbortController();
  let loop: CellLoop | undefined;
  const onInterrupt = () => {
    if (loop === undefined) gaveUp.abort();
    // Nobody types here, or Ctrl-C would be a key.
    else if (!loop.interrupt()) loop.leave(EXIT.interrupted);
  };
  const onTerminate = () => (loop === undefined ? gaveUp.abort() : loop.leave(EXIT.terminated));
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate);
  // Whoever reads our output has left: there is nobody to run for.
  for (const stream of [streams.stdout, streams.stderr]) stream.on("error", () => process.exit(EXIT.failure));
  let connected: ConnectedSession | undefined;
  let console: Console | undefined;
  try {
    connected = await connect(options, streams, gaveUp.signal, { onRestart: ({ reason }) => loop?.restarted(reason) });
    const { session } = connected;
    const isInteractive = streams.stdin.isTTY === true && streams.stdout.isTTY === true;
    console = isInteractive
      ? openTerminal(session, streams, options.history !== false, () => loop)
      : new PipedConsole(streams);
    const paint = takesColor(streams.stderr, process.env) ? paintTraceback : (traceback: string) => traceback;
    if (isInteractive) streams.stdout.write(banner(connected));
    loop = new CellLoop(session, console, { isInteractive, paint });
    return await loop.run();
  } catch (error) {
    if (error === gaveUp.signal.reason) return EXIT.interrupted;
    throw error;
  } finally {
    console?.close();
    await connected?.close();
    process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate);
    await Promise.all([flushed(streams.stdout), flushed(streams.stderr)]);
  }
}

function openTerminal(
  session: SessionBase,
  streams: StandardStreams,
  withHistory: boolean,
  loop: () => CellLoop | undefined,
): Terminal {
  const history = withHistory ? new HistoryFile(join(defaultHome(), "history")) : undefined;
  return new Terminal(streams, {
    history: history?.read() ?? [],
    onHistory: (line) => history?.add(line),
    onInterrupt: () => loop()?.interrupt(),
    complete: (line) =>
      completeLine(loop()?.begun ?? [], line, (code) => session.complete(code)).catch(() => [[], line]),
  });
}

function banner({ session, description }: ConnectedSession): string {
  const forkMs = (session.forkTimeUs / 1000).toFixed(2);
  return `Zeroboot: ${description}, forked in ${forkMs} ms. Ctrl-C interrupts, Ctrl-D leaves.\n`;
}
