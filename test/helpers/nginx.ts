import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../native/guest/build/index.js";
import { poll } from "./poll.js";
import { collect, ended } from "./program.js";

const NGINX = "/usr/sbin/nginx";

/** Why nginx cannot be run here; undefined: it can. */
export function nginxProblem(): string | undefined {
  try {
    accessSync(NGINX, constants.X_OK);
    execFileSync("openssl", ["version"]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Debian's nginx with the documented configuration, of which only ports, names and paths are others. */
export class Nginx implements AsyncDisposable {
  readonly url: string;
  /** Of the certificate that it shows, to be trusted. */
  readonly certificate: string;
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #stderr: () => string;

  private constructor(port: number, directory: string, certificate: string) {
    this.url = `https://localhost:${port}`;
    this.#directory = directory;
    this.certificate = certificate;
    this.#child = spawn(NGINX, ["-p", directory, "-c", join(directory, "main.conf"), "-g", "daemon off;"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (this.#child.stderr === null) throw new TypeError("no pipe");
    this.#stderr = collect(this.#child.stderr);
  }

  /** In front of the server at `upstream`, `http://HOST:PORT`. */
  static async inFrontOf(upstream: string): Promise<Nginx> {
    const directory = mkdtempSync(join(tmpdir(), "zeroboot-nginx-"));
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    execFileSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
    ]);
    const port = await freePort();
    writeFileSync(join(directory, "site.conf"), siteFor({ port, upstream, key, certificate, directory }));
    writeFileSync(join(directory, "main.conf"), mainConfiguration(directory));
    const nginx = new Nginx(port, directory, certificate);
    await poll("nginx", 60_000, () => {
      if (nginx.#child.exitCode !== null) throw new Error(`nginx ended:\n${nginx.#stderr()}`);
      return isListening(port);
    });
    return nginx;
  }

  /** What it logged of requests. */
  get accessLog(): string {
    return readFileSync(join(this.#directory, "access.log"), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGQUIT");
    await ended(this.#child);
    rmSync(this.#directory, { recursive: true });
  }
}

interface Site {
  readonly port: number;
  readonly upstream: string;
  readonly key: string;
  readonly certificate: string;
  readonly directory: string;
}

function siteFor({ port, upstream, key, certificate, directory }: Site): string {
  let text = readFileSync(join(packageRoot(), "docs/deploy/nginx.conf"), "utf8");
  for (const [documented, here] of [
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["python.example.org", "localhost"],
    ["/etc/ssl/example.crt", certificate],
    ["/etc/ssl/example.key", key],
    ["http://127.0.0.1:8080", upstream],
    ["/var/log/nginx/zeroboot.log", join(directory, "access.log")],
  ] as const) {
    if (!text.includes(documented)) throw new RangeError(`the configuration has no ${documented}`);
    text = text.replace(documented, here);
  }
  return text;
}

/** Debian's /etc/nginx/nginx.conf, as far as a test needs it. */
function mainConfiguration(directory: string): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${join(directory, name)};\n`)
    .join("");
  // Started by root its workers would be somebody else, who may not write here.
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  return `${user}pid ${join(directory, "pid")};\nerror_log stderr;\nevents {}\nhttp {\n${paths}  include ${join(directory, "site.conf")};\n}\n`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address === null || typeof address === "string" ? reject() : resolve(address.port)));
    });
  });
}

function isListening(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    }).on("error", () => resolve(undefined));
  });
}
