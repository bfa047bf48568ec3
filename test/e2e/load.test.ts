import autocannon from "autocannon";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isEmulated } from "../helpers/machine.js";
import { EMPTY_WITHIN_MS, released } from "../helpers/released.js";
import { ServerProcess } from "../helpers/server-process.js";

const SESSIONS = 4;
/** Four times what the server takes at once. */
const CLIENTS = 4 * SESSIONS;
const SECONDS = Number(process.env.ZEROBOOT_LOAD_SECONDS ?? (isEmulated ? 20 : 60));
/** A request that has no answer by then hangs, on any machine. */
const HANGS_SECONDS = 300;
const ANSWER = { stdout: "499500\n", stderr: "", exit_code: 0 };

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--max-sessions", String(SESSIONS)]);
});
afterAll(() => server[Symbol.asyncDispose]());

function load(seconds: number): Promise<autocannon.Result> {
  return autocannon({
    url: `${server.url}/v1/exec`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: "print(sum(range(1000)))", language: "python" }),
    connections: CLIENTS,
    duration: seconds,
    timeout: HANGS_SECONDS,
    // Every body is looked at, of those that ran and of those that were turned away.
    verifyBody: (body) => {
      const answer = JSON.parse(String(body)) as Record<string, unknown>;
      return "code" in answer
        ? answer.code === "capacity_exhausted"
        : Object.entries(ANSWER).every(([field, value]) => answer[field] === value);
    },
  });
}

it("answers every request at four times its capacity, and keeps nothing", { timeout: 900_000 }, async () => {
  // What is made once and kept, most of V8's heap too.
  await load(SECONDS / 4);
  await server.emptied(EMPTY_WITHIN_MS);
  const before = server.held();

  const result = await load(SECONDS);
  const statuses = Object.fromEntries(
    Object.entries(result.statusCodeStats ?? {}).map(([status, { count }]) => [status, count]),
  );
  console.log(`${CLIENTS} clients for ${SECONDS} s: ${JSON.stringify(statuses)}; ${JSON.stringify(result.latency)}`);
  expect(Object.keys(statuses).filter((status) => !["200", "429", "503"].includes(status))).toEqual([]);
  expect(statuses["200"]).toBeGreaterThan(SESSIONS);
  expect({ errors: result.errors, timeouts: result.timeouts, mismatches: result.mismatches }).toEqual({
    errors: 0,
    timeouts: 0,
    mismatches: 0,
  });

  await released(server, before, `${CLIENTS} clients`);
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});
