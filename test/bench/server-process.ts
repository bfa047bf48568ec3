import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { BenchError } from "./errors.js";

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Lines of the server's log that are shown when it fails. */
const LOG_LINES = 20;
/** What the server greets with once sessions can be had. */
const GREETING = /^Zeroboot serves .* at (http:\/\/\S+)$/;

/** `zeroboot serve` as users start it, in a process of its own on a free port. */
export class ServerProcess {
  readonly url: string;
  readonly #child: Child;
  readonly #log: readonly string[];

  private constructor(url: string, child: Child, log: readonly string[]) {
    this.url = url;
    this.#child = child;
    this.#log = log;
  }

  /**
   * @param signal ends the server
   * @throws BenchError with the server's last words when it does not begin to serve
   */
  static async start(packageRoot: string, template: string, signal: AbortSignal): Promise<ServerProcess> {
    const cli = join(packageRoot, "dist", "server", "src", "cli", "bin.js");
    const child = spawn(
      process.execPath,
      [cli, "serve", "--host", "127.0.0.1", "--port", "0", "--prebuild", "none", "--template", template],
      {
        env: withoutSettings(process.env),
        stdio: ["ignore", "pipe", "pipe"],
        signal,
      },
    );
    const log: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      if (log.length > LOG_LINES) log.shift();
    });
    // Ending it by the signal is no error of the server's.
    child.on("error", (error) => log.push(String(error)));
    for await (const line of createInterface({ input: child.stdout })) {
      const url = GREETING.exec(line)?.[1];
      if (url === undefined) continue;
      // Whatever else it prints must not fill the pipe.
      child.stdout.resume();
      return new ServerProcess(url, child, log);
    }
    signal.throwIfAborted();
    throw new BenchError(`the server did not start:\n${log.join("\n")}`);
  }

  /** Stop it as a service manager would. @throws BenchError unless it ends in good order */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await ended;
    }
    if (this.#child.exitCode === 0) return;
    throw new BenchError(
      `the server ended with ${this.#child.signalCode ?? `exit code ${this.#child.exitCode}`}:\n${this.#log.join("\n")}`,
    );
  }
}

/** Measured is what is shipped, not how this shell has set it; only the cache directory is the same. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !name.startsWith("ZEROBOOT_") || name === "ZEROBOOT_HOME",
  );
  return Object.fromEntries(kept);
}
