import { Session } from "@zeroboot/sdk";
import type { ExecRequest } from "./exec.js";
import { endedWithSession, type Ran } from "./exec-result.js";

/**
 * Run a program in a session of a server, through the SDK.
 * @throws the SDK's errors
 */
export async function execOnServer(
  request: ExecRequest,
  url: string,
  apiKey: string | undefined,
  template: string,
): Promise<Ran> {
  const session = await Session.connect({
    url,
    template,
    signal: request.signal,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  try {
    const execution = session.run(request.code, {
      maxOutputBytes: 0,
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    });
    if (request.signal.aborted) execution.interrupt();
    else request.signal.addEventListener("abort", () => execution.interrupt(), { once: true });
    await Promise.all([
      pass(execution.stdout.bytes(), request.onStdout),
      pass(execution.stderr.bytes(), request.onStderr),
    ]);
    const { exitCode, status, error, result } = await execution;
    const text = result?.["text/plain"];
    const ran: Ran = {
      exitCode,
      status,
      // What this client did not keep was passed on all the same.
      truncated: false,
      traceback: error?.traceback,
      result: typeof text === "string" ? text : undefined,
    };
    if (status !== "killed") return ran;
    const end = await session.closed;
    return endedWithSession(ran, end.code, end.message);
  } finally {
    await session.close();
  }
}

async function pass(stream: AsyncIterable<Uint8Array>, to: (data: Uint8Array) => void): Promise<void> {
  for await (const data of stream) to(data);
}
