import type * as z from "zod";
import type { TransportRequest } from "../transport/transport.js";
import type { EXEC_EVENTS, ExecEvent } from "./schemas.js";

/**
 * Something is sent at least so often, milliseconds: the transport takes a connection for dead after 10 s of silence,
 * and proxies have a limit of their own.
 */
const KEEP_ALIVE_MS = 4_000;
/** A comment, which clients leave aside. */
const KEEP_ALIVE = ": still running\n\n";

export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  // nginx would wait for more.
  "x-accel-buffering": "no",
};

/** Whether the answer is to come as events. */
export function wantsEventStream(request: TransportRequest): boolean {
  const accepted = (request.headers.get("accept") ?? "").split(",");
  return accepted.some((range) => range.split(";")[0]?.trim().toLowerCase() === "text/event-stream");
}

/** One event, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it. JSON is one line. */
export function formatEvent<E extends ExecEvent>(name: E, data: z.output<(typeof EXEC_EVENTS)[E]>): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The same parts, and a comment in between whenever there is none for long. */
export async function* keptAlive(
  parts: AsyncIterator<string, void>,
  silenceMs: number = KEEP_ALIVE_MS,
): AsyncGenerator<string, void, void> {
  try {
    let next = parts.next();
    for (;;) {
      const first = await withinOf(next, silenceMs);
      if (first === undefined) {
        yield KEEP_ALIVE;
        continue;
      }
      if (first.done === true) return;
      yield first.value;
      next = parts.next();
    }
  } finally {
    await parts.return?.();
  }
}

/** What `promise` resolves to; undefined: not yet, after so long. */
async function withinOf<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
