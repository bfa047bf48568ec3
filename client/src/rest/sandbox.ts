import * as z from "zod";
import { ExecutionFailed, InvalidOptionError, ProtocolError, ZerobootError } from "../errors.js";
import { type ApiOptions, baseUrlOf, request } from "./request.js";
import { execAnswer, type RunResult, resultOf } from "./result.js";

/** Of the original's SDK, whose examples for TypeScript are in JavaScript. */
const DEFAULT_LANGUAGE = "javascript";
const DEFAULT_RETRIES = 2;

/** Options of a {@link SandboxBase}. */
export interface SandboxOptions {
  /** @default `ZEROBOOT_BASE_URL`, else `http://127.0.0.1:8080`; in browsers the page's own server */
  baseUrl?: string;
  /** `python`, `node`, `javascript`, `shell` or `bash`, as far as the server has them. @default "javascript" */
  language?: string;
  /** A template by its name, in place of `language`. */
  template?: string;
  /** How often to ask again when the server answers 429 or 503. @default 2 */
  retries?: number;
}

/** Options of one run. */
export interface SandboxRunOptions {
  /** @default the sandbox's */
  language?: string;
  template?: string;
  /** Running time in whole seconds, 1-300. @default 30 */
  timeout?: number;
  /** The whole of standard input. */
  stdin?: string;
  env?: Record<string, string>;
  /** Gives the run up; its virtual machine ends. */
  signal?: AbortSignal;
  /** Reject with `ExecutionFailed` unless the program ended with 0. */
  check?: boolean;
}

/** One of a batch: its result, or why it was not run. */
export type BatchResult = RunResult | ZerobootError;

const batchAnswer = z.object({ results: z.array(z.unknown()) });
const batchError = z.object({ error: z.string(), code: z.string() });
const health = z.object({ status: z.string() });

/** Health as the server tells it; fields besides `status` are the server's. */
export type SandboxHealth = z.output<typeof health> & Readonly<Record<string, unknown>>;

/**
 * Runs each program in a virtual machine of its own, by one request. Nothing is kept from one run to the next: for
 * that there is `Session`.
 *
 * @example
 * const sandbox = new Sandbox(process.env.ZEROBOOT_API_KEY, { language: "python" });
 * console.log(await sandbox.run("print(1 + 1)")); // 2
 */
export class SandboxBase {
  readonly #api: ApiOptions;
  readonly #defaults: Pick<SandboxOptions, "language" | "template">;

  /** @internal */
  protected constructor(defaultUrl: string, apiKey: string | undefined, options: SandboxOptions) {
    const { baseUrl = defaultUrl, retries = DEFAULT_RETRIES, template, language } = options;
    if (!(Number.isInteger(retries) && retries >= 0)) throw new InvalidOptionError("retries must be a whole number");
    if (apiKey !== undefined && !/^[\x21-\x7e]*$/.test(apiKey)) {
      throw new InvalidOptionError("the API key must be printable ASCII without spaces");
    }
    this.#api = { baseUrl: baseUrlOf(baseUrl), apiKey: apiKey === "" ? undefined : apiKey, retries };
    this.#defaults = template === undefined ? { language: language ?? DEFAULT_LANGUAGE } : { template };
  }

  /**
   * Run a program. Resolves for every one that ran, whatever its exit code.
   * @throws RequestError if the server refused it, ConnectionError, ProtocolError; ExecutionFailed with `check`; or the
   * signal's reason
   */
  async run(code: string, options: SandboxRunOptions = {}): Promise<RunResult> {
    const result = resultOf(
      checked(execAnswer, await request(this.#api, "POST", "/v1/exec", this.#body(code, options), options.signal)),
    );
    if (options.check === true && result.exitCode !== 0) throw new ExecutionFailed(result);
    return result;
  }

  /**
   * Run many, several at a time; results in the order of `codes`. What could not be run has an error in its place.
   * @throws as {@link run}, if the batch as a whole was refused
   */
  async runBatch(codes: readonly string[], options: SandboxRunOptions = {}): Promise<BatchResult[]> {
    const executions = codes.map((code) => this.#body(code, options));
    const answer = await request(this.#api, "POST", "/v1/exec/batch", { executions }, options.signal);
    const results = checked(batchAnswer, answer).results.map(batchResultOf);
    if (results.length !== codes.length) throw new ProtocolError("the server answered more or fewer than were asked");
    const failed = results.find((result) => !(result instanceof ZerobootError) && result.exitCode !== 0);
    if (options.check === true && failed !== undefined) throw new ExecutionFailed(failed as RunResult);
    return results;
  }

  /** Whether the server can be used. @throws RequestError while it starts or stops; ConnectionError */
  async health(signal?: AbortSignal): Promise<SandboxHealth> {
    const answer = await request({ ...this.#api, retries: 0 }, "GET", "/v1/health", undefined, signal);
    return checked(z.looseObject(health.shape), answer);
  }

  #body(code: string, { language, template, timeout, stdin, env }: SandboxRunOptions): object {
    const runtime = template !== undefined ? { template } : language !== undefined ? { language } : this.#defaults;
    return {
      code,
      ...runtime,
      ...(timeout === undefined ? {} : { timeout_seconds: timeout }),
      ...(stdin === undefined ? {} : { stdin }),
      ...(env === undefined ? {} : { env }),
    };
  }
}

function batchResultOf(item: unknown): BatchResult {
  const error = batchError.safeParse(item);
  return error.success ? new ZerobootError(error.data.code, error.data.error) : resultOf(checked(execAnswer, item));
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError(`the server's answer lacks what it should have: ${parsed.error.issues[0]?.path.join(".")}`);
}
