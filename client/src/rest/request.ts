import * as z from "zod";
import { ConnectionError, InvalidOptionError, ProtocolError, RequestError } from "../errors.js";

/** Statuses that say to ask again. What may have been run is gone with its virtual machine, which has no network. */
const RETRIED = new Set([429, 503]);
/** Between two tries where the server names no time, milliseconds; doubled each time. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

const refusal = z.object({ error: z.string(), code: z.string() });

export interface ApiOptions {
  /** The server's base, without a slash at its end. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** How often to ask again when the server says that it is busy. */
  readonly retries: number;
}

/** @throws InvalidOptionError */
export function baseUrlOf(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new InvalidOptionError("the base URL is not a URL");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidOptionError("the base URL must begin with http: or https:");
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidOptionError("the base URL must not hold a name or password");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/**
 * One request of the REST API.
 * @param signal aborts it, pauses between tries too
 * @throws RequestError if the server refused it, ConnectionError if it did not answer, ProtocolError for an answer that
 * means nothing, or the signal's reason
 */
export async function request(
  api: ApiOptions,
  method: "GET" | "POST",
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    const response = await ask(api, method, path, body, signal);
    if (response.ok) return await jsonOf(response, signal);
    if (attempt >= api.retries || !RETRIED.has(response.status)) throw await errorOf(response, signal);
    await response.body?.cancel();
    await pause(pauseBefore(attempt, response.headers.get("retry-after")), signal);
  }
}

async function ask(
  { baseUrl, apiKey }: ApiOptions,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      redirect: "error",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionError("connect_failed", `no answer from ${baseUrl}`, { cause });
  }
}

async function jsonOf(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof SyntaxError) throw new ProtocolError("the server's answer is not JSON", { cause });
    throw new ConnectionError("connection_lost", "the connection ended within the answer", { cause });
  }
}

async function errorOf(response: Response, signal: AbortSignal | undefined): Promise<Error> {
  const told = refusal.safeParse(await jsonOf(response, signal).catch(() => undefined));
  signal?.throwIfAborted();
  if (!told.success) return new ProtocolError(`status ${response.status} without a reason: no Zeroboot server`);
  return new RequestError(told.data.code, told.data.error, response.status);
}

function pauseBefore(attempt: number, retryAfter: string | null): number {
  const asked = retryAfter !== null && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
  return Math.min(asked ?? FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
