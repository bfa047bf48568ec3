/**
 * The backend of a notebook: one session for each notebook, and every cell's output as a stream of events.
 *
 *   npx tsx examples/notebook-backend.ts 8081
 *   curl -N -d 'x = 20' http://127.0.0.1:8081/notebooks/mine/cells
 *   curl -N -d 'print(x + 1)' http://127.0.0.1:8081/notebooks/mine/cells
 *   curl -X DELETE http://127.0.0.1:8081/notebooks/mine
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type OutputEvent, Session } from "@zeroboot/sdk";

const MAX_NOTEBOOKS = 100;
const MAX_CELL_BYTES = 1024 * 1024;
const apiKey = process.env.ZEROBOOT_API_KEY;
const notebooks = new Map<string, Promise<Session>>();

/** The notebook's session. One that has ended is replaced by the next cell. */
function sessionOf(name: string): Promise<Session> {
  const known = notebooks.get(name);
  if (known !== undefined) return known;
  if (notebooks.size === MAX_NOTEBOOKS) throw new RangeError("too many notebooks");
  const opening = Session.connect(apiKey === undefined ? {} : { apiKey });
  notebooks.set(name, opening);
  const forget = () => void (notebooks.get(name) === opening && notebooks.delete(name));
  opening.then((session) => session.closed.then(forget), forget);
  return opening;
}

async function runCell(name: string, code: string, response: ServerResponse): Promise<void> {
  const session = await sessionOf(name);
  const leaving = new AbortController();
  // Whoever looked at the cell has left: interrupt it. The notebook's variables stay.
  response.on("close", () => leaving.abort());
  const execution = session.run(code, { signal: leaving.signal, maxOutputBytes: 0 });
  const output = execution.events[Symbol.asyncIterator]();
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  for (let next = await output.next(); next.done !== true; next = await output.next()) {
    await send(response, next.value, leaving.signal);
  }
  const { status, result, error, executionCount } = await execution;
  const value = error?.traceback ?? result?.["text/plain"];
  response.end(`event: done\ndata: ${JSON.stringify({ status, value, executionCount })}\n\n`);
}

/** Waits for a reader that is slow, and the cell with it. */
async function send(response: ServerResponse, event: OutputEvent, signal: AbortSignal): Promise<void> {
  const data = event.type === "display" ? { text: event.bundle["text/plain"] } : { text: event.text };
  const taken = response.write(`event: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`);
  if (!taken) await once(response, "drain", { signal });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_CELL_BYTES) throw new RangeError("the cell is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, name, cells] = /^\/notebooks\/([\w-]{1,64})(\/cells)?$/.exec(request.url ?? "") ?? [];
  if (name !== undefined && cells !== undefined && request.method === "POST") {
    await runCell(name, await bodyOf(request), response);
  } else if (name !== undefined && cells === undefined && request.method === "DELETE") {
    await (await notebooks.get(name))?.close();
    response.writeHead(204).end();
  } else response.writeHead(404).end();
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    if (!response.headersSent) response.writeHead(500);
    response.end(`${error instanceof Error ? error.message : String(error)}\n`);
  });
});
server.listen(Number(process.argv[2] ?? 8081), "127.0.0.1", () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}`);
});
