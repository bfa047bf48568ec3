import { createParser, type EventSourceMessage } from "eventsource-parser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../helpers/server-process.js";

const CLEANED_WITHIN_MS = 60_000;
/** Of the server, beyond what it had before, while a reader does not read. */
const HELD_BYTES_BOUND = 192 * 1024 * 1024;

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--max-sessions", "4"]);
});
afterAll(async () => {
  expect(await server.emptied(CLEANED_WITHIN_MS)).toBeLessThan(CLEANED_WITHIN_MS);
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

interface Event {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** When it came, milliseconds. */
  readonly at: number;
}

function post(body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}/v1/exec`, {
    method: "POST",
    headers: { accept: "text/event-stream", "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The events of an answer, by a parser that is not ours. */
async function* eventsOf(response: Response): AsyncGenerator<Event, void, void> {
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const parsed: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => parsed.push(event),
    onError: (error) => {
      throw error;
    },
  });
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    parser.feed(text);
    for (const { event = "message", data } of parsed.splice(0)) {
      yield { name: event, data: JSON.parse(data) as Event["data"], at: performance.now() };
    }
  }
}

async function all(body: object): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of eventsOf(await post(body))) events.push(event);
  return events;
}

const textOf = (events: readonly Event[], name: string) =>
  events
    .filter((event) => event.name === name)
    .map(({ data }) => String(data.text))
    .join("");

describe("/v1/exec as events", () => {
  it("tells output while the program still runs", async () => {
    const events = await all({ code: "import time\nprint('first')\ntime.sleep(3)\nprint('second')\n7 * 6" });
    expect(events[0]).toMatchObject({ name: "started", data: { id: expect.any(String) } });
    expect(textOf(events, "stdout")).toBe("first\nsecond\n");
    const done = events.at(-1);
    expect(done).toMatchObject({
      name: "done",
      data: { id: events[0]?.data.id, exit_code: 0, result: "42", timed_out: false, truncated: false },
    });
    const first = events.find(({ name }) => name === "stdout");
    expect((done?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1_500);
  });

  it("keeps streams apart, in their order, and ends with the traceback and the exit code", async () => {
    const events = await all({
      code: "import sys\nprint('a')\nprint('b', file=sys.stderr)\ndisplay({'k': 1})\nprint('€' * 20000)\n1 / 0",
    });
    // What one print writes may come in several events.
    const kinds = events.map(({ name }) => name).filter((name, index, all) => name !== all[index - 1]);
    expect(kinds.slice(0, 4)).toEqual(["started", "stdout", "stderr", "display"]);
    expect(textOf(events, "stdout")).toBe(`a\n${"€".repeat(20_000)}\n`);
    expect(events.find(({ name }) => name === "display")?.data).toEqual({ "text/plain": "{'k': 1}" });
    expect(textOf(events, "stderr")).toMatch(/^b\nTraceback [\s\S]*ZeroDivisionError: division by zero\n$/);
    expect(events.at(-1)).toMatchObject({ name: "done", data: { exit_code: 1 } });
  });

  it("survives long silences, and says so meanwhile", async () => {
    const response = await post({ code: "import sys, time; time.sleep(12); sys.stdout.write('here')" });
    const text = await response.text();
    expect(text.match(/^: still running$/gm)?.length).toBeGreaterThanOrEqual(2);
    expect(text).toMatch(/event: stdout\ndata: \{"text":"here"\}\n\nevent: done\n/);
  });

  it("ends with the program's time", async () => {
    const events = await all({ code: "print('kept')\nwhile True: pass", timeout_seconds: 1 });
    expect(textOf(events, "stdout")).toBe("kept\n");
    expect(events.at(-1)).toMatchObject({ name: "done", data: { exit_code: 124, timed_out: true } });
  });

  it("says what is known before the program runs as ever", async () => {
    const answers = await Promise.all([
      post({ code: "1", template: "cobol" }),
      post({ code: "1", language: "cobol" }),
      post({ code: 1 }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 400, 400]);
    for (const answer of answers) expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  it("ends with 137 for a program that ends its VM", async () => {
    const events = await all({ code: "print('before')\nimport ctypes; ctypes.CDLL(None).reboot(0x1234567)" });
    expect(textOf(events, "stdout")).toBe("before\n");
    expect(events.at(-1)).toMatchObject({ name: "done", data: { exit_code: 137, id: events[0]?.data.id } });
  });

  it("frees the VM of a client that goes away", async () => {
    const leaving = new AbortController();
    const response = await post({ code: "while True: print('x' * 100)" }, leaving.signal);
    for await (const { name } of eventsOf(response)) if (name === "stdout") break;
    leaving.abort();
    const ms = await server.emptied(CLEANED_WITHIN_MS);
    console.log(`VM gone ${ms.toFixed(0)} ms after its client`);
  });

  it("waits for a client that does not read, holds little, and loses nothing", async () => {
    const LINES = 300_000;
    const before = server.rssBytes();
    const response = await post({ code: `for i in range(${LINES}): print('line', i)`, timeout_seconds: 300 });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const held = server.rssBytes() - before;
    console.log(`held for the reader: ${(held / 1024 / 1024).toFixed(1)} MiB`);
    expect(held).toBeLessThan(HELD_BYTES_BOUND);
    // Another program is not slowed to a stop by it.
    expect((await all({ code: "print('other')" })).at(-1)).toMatchObject({ name: "done", data: { exit_code: 0 } });
    let text = "";
    let last: Event | undefined;
    for await (const event of eventsOf(response)) {
      last = event;
      if (event.name === "stdout") text += String(event.data.text);
    }
    expect(last).toMatchObject({ name: "done", data: { exit_code: 0, truncated: false } });
    expect(text === Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join("")).toBe(true);
  });
});
