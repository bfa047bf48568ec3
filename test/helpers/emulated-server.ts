import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../../native/guest/build/index.js";
import { poll } from "./poll.js";
import { collect, ended } from "./program.js";

/** The port in there. */
const PORT = 8080;
/** Time for a machine that is emulated in software to start, and to make a template, milliseconds. */
const READY_WITHIN_MS = 1_500_000;
/** After which the machine ends by itself, whatever has become of the test, seconds. */
const LONGEST_SECONDS = 3600;

/** Whether the page's server is to run in an emulated machine, because there is no KVM here. */
export function wantsEmulatedServer(): boolean {
  return process.env.EMULATED_SERVER === "1";
}

/** A server with real VMs in the machine of `npm run test:hardware-kvm`, reached by a port of this host. */
export class EmulatedServer implements AsyncDisposable {
  readonly url: string;
  readonly #machine: ChildProcess;
  readonly #stdout: () => string;
  readonly #stderr: () => string;
  readonly #ended: Promise<unknown>;
  #hasEnded = false;

  private constructor(args: readonly string[], hostPort: number) {
    this.url = `http://127.0.0.1:${hostPort}`;
    const main = "test/hardware-kvm/main.ts";
    const server = ["node", "dist/server/src/main.js", "--host", "0.0.0.0", "--port", String(PORT), ...args];
    this.#machine = spawn(
      process.execPath,
      ["--import", "tsx", join(packageRoot(), main), "timeout", String(LONGEST_SECONDS), ...server],
      {
        cwd: packageRoot(),
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ZEROBOOT_FORWARD: `${hostPort}:${PORT}` },
      },
    );
    if (this.#machine.stdout === null || this.#machine.stderr === null) throw new TypeError("no pipes");
    this.#stdout = collect(this.#machine.stdout);
    this.#stderr = collect(this.#machine.stderr);
    this.#ended = ended(this.#machine).then(() => {
      this.#hasEnded = true;
    });
  }

  /** Started, and sessions can be had. */
  static async ready(args: readonly string[]): Promise<EmulatedServer> {
    const server = new EmulatedServer(args, await freePort());
    try {
      await poll("ready", READY_WITHIN_MS, async () => {
        if (server.#hasEnded) throw new Error("the emulated machine ended");
        return (await server.#isHealthy()) ? true : undefined;
      });
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw new Error(`${String(error)}\n${server.stdout}${server.#stderr()}`);
    }
    return server;
  }

  /** What the server in there has said, to standard error too. */
  get stdout(): string {
    return this.#stdout();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#machine.kill("SIGTERM");
    await this.#ended;
  }

  async #isHealthy(): Promise<boolean> {
    try {
      // QEMU accepts before anybody listens in there.
      return (await fetch(`${this.url}/v1/health`, { signal: AbortSignal.timeout(10_000) })).ok;
    } catch {
      return false;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  server.close();
  await once(server, "close");
  return address.port;
}
