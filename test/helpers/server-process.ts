import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { packageRoot } from "../../native/guest/build/index.js";
import type { TemplateHealth } from "../../server/src/http/health.js";
import { poll } from "./poll.js";
import { collect, type Ended, ended } from "./program.js";

/** The first one of a machine may have to make the template. */
const READY_WITHIN_MS = 600_000;

export interface Health {
  readonly status: string;
  readonly sessions: number;
  readonly vms: number;
  readonly templates: Readonly<Record<string, TemplateHealth>>;
}

/** What a process holds of the kernel. */
export interface Held {
  readonly fds: number;
  readonly threads: number;
  /** Of guest memory, root images and vCPU run areas. V8's heap comes and goes in hundreds of others. */
  readonly guestMappings: number;
}

/** A server in a process of its own, started as `npm start` does. */
export class ServerProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #ended: Promise<Pick<Ended, "exitCode" | "signal">>;
  readonly #stdout: () => string;
  readonly #stderr: () => string;
  #url = "";
  #hasEnded = false;

  private constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    const main = join(packageRoot(), "dist/server/src/main.js");
    // What loads other templates in the background would disturb what tests measure.
    this.child = spawn(process.execPath, [main, "--port", "0", "--prebuild", "none", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    if (this.child.stdout === null || this.child.stderr === null) throw new TypeError("no pipes");
    this.#stdout = collect(this.child.stdout);
    this.#stderr = collect(this.child.stderr);
    this.#ended = ended(this.child);
    void this.#ended.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Started, listening, not necessarily ready. */
  static async listening(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const server = new ServerProcess(args, env);
    server.#url = await poll("listening", READY_WITHIN_MS, () => {
      if (server.#hasEnded) throw new Error(`the server ended:\n${server.stdout}${server.stderr}`);
      const line = server.stderr.split("\n").find((entry) => entry.includes('"msg":"listening"'));
      if (line === undefined) return undefined;
      const { host, port } = JSON.parse(line) as { host: string; port: number };
      return `http://${host}:${port}`;
    });
    return server;
  }

  /** Started, and sessions can be had. */
  static async ready(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const server = await ServerProcess.listening(args, env);
    await poll("ready", READY_WITHIN_MS, async () => {
      if (server.#hasEnded) throw new Error(`the server ended:\n${server.stdout}${server.stderr}`);
      // One that is ending refuses connections before it has ended and can be asked why.
      const health = await server.health().catch(() => undefined);
      return health?.body.status === "ok" ? true : undefined;
    });
    return server;
  }

  get url(): string {
    return this.#url;
  }
  get stdout(): string {
    return this.#stdout();
  }
  get stderr(): string {
    return this.#stderr();
  }
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** On a connection of its own: one that is kept open would be counted as held. */
  async health(): Promise<{ readonly status: number; readonly body: Health }> {
    const [response] = (await once(get(`${this.#url}/v1/health`, { agent: false }), "response")) as [IncomingMessage];
    const body = collect(response);
    await once(response, "close");
    return { status: response.statusCode ?? 0, body: JSON.parse(body()) as Health };
  }

  held(): Held {
    const process = `/proc/${this.pid}`;
    return {
      fds: readdirSync(`${process}/fd`).length,
      threads: readdirSync(`${process}/task`).length,
      guestMappings: readFileSync(`${process}/maps`, "utf8").match(/memfd:zeroboot|kvm-vcpu/g)?.length ?? 0,
    };
  }

  /** Resident memory. */
  rssBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Waits until no VM is left. @returns the milliseconds it took */
  async emptied(withinMs: number): Promise<number> {
    const start = performance.now();
    await poll("no VM left", withinMs, async () => ((await this.health()).body.vms === 0 ? true : undefined));
    return performance.now() - start;
  }

  /** Ask it to stop; how it ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Pick<Ended, "exitCode" | "signal">> {
    this.child.kill(signal);
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.stop("SIGKILL");
  }
}
