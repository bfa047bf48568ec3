import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  ConnectionError,
  type ConnectOptions,
  ExecutionRefusedError,
  InvalidOptionError,
  ProtocolError,
  Session,
  SessionClosedError,
  SessionRefusedError,
} from "../../../client/src/index.js";
import { encodeFrame } from "../../../client/src/protocol/codec.js";
import { Peer, type PeerConnection, READY } from "./peer.js";

let peer: Peer;

beforeEach(async () => {
  peer = await Peer.start();
});

afterEach(async () => {
  await peer[Symbol.asyncDispose]();
});

async function connect(options: ConnectOptions = {}): Promise<[Session, PeerConnection]> {
  const session = Session.connect({ url: peer.url, ...options });
  const server = await peer.accept();
  server.send(READY);
  return [await session, server];
}

/** The error a promise rejects with. */
function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    () => expect.fail("was fulfilled"),
    (error: unknown) => error,
  );
}

describe("Session.connect", () => {
  it("asks for the template, with the key in a header, and tells what the server said", async () => {
    const [session, server] = await connect({ template: "py thon", apiKey: "secret" });
    expect(server.request.url).toBe("/v1/session?template=py+thon");
    expect(server.request.headers.authorization).toBe("Bearer secret");
    expect(server.socket.protocol).toBe("zeroboot.v1.msgpack");
    expect(session).toMatchObject({ id: "s1", vmId: "v1", template: "python", forkTimeUs: 650, limits: READY.limits });
    await session.close();
  });

  it("misses no frame that comes right behind ready", async () => {
    const connecting = Session.connect({ url: peer.url });
    const server = await peer.accept();
    server.send(READY, { type: "closed", reason: "shutting_down" });
    server.socket.close(1001);
    const session = await connecting;
    expect(await session.closed).toMatchObject({ name: "SessionClosedError", code: "shutting_down" });
  });

  it("says why it was refused by a failure frame", async () => {
    const connecting = Session.connect({ url: peer.url });
    const server = await peer.accept();
    server.send({ type: "failure", code: "unauthorized", message: "no key" });
    server.socket.close(4401);
    const error = await failure(connecting);
    expect(error).toBeInstanceOf(SessionRefusedError);
    expect(error).toMatchObject({ code: "unauthorized", message: "no key" });
  });

  it("says why it was refused by a close code alone", async () => {
    const connecting = Session.connect({ url: peer.url });
    (await peer.accept()).socket.close(4404, "");
    expect(await failure(connecting)).toMatchObject({ name: "SessionRefusedError", code: "template_unknown" });
  });

  it("says why it was refused over HTTP", async () => {
    const body = JSON.stringify({ error: "slow down", code: "rate_limited", request_id: "r" });
    await using refusing = await Peer.start({ status: 429, message: body });
    const error = await failure(Session.connect({ url: refusing.url }));
    expect(error).toBeInstanceOf(SessionRefusedError);
    expect(error).toMatchObject({ code: "rate_limited", message: "slow down" });
  });

  it("says that something else answers there", async () => {
    await using other = await Peer.start({ status: 404, message: "<html>" });
    const error = await failure(Session.connect({ url: other.url }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "connect_failed", message: expect.stringContaining("404") });
  });

  it("says that nothing answers there", async () => {
    const url = peer.url;
    await peer[Symbol.asyncDispose]();
    peer = await Peer.start();
    const error = await failure(Session.connect({ url }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "connect_failed", message: expect.stringContaining("ECONNREFUSED") });
  });

  it("gives up after connectTimeoutMs and drops the connection", async () => {
    const connecting = Session.connect({ url: peer.url, connectTimeoutMs: 50 });
    const server = await peer.accept();
    expect(await failure(connecting)).toMatchObject({ name: "ConnectionError", code: "connect_timeout" });
    expect(await server.gone).toBeDefined();
  });

  it("can be aborted, before and while connecting", async () => {
    expect(await failure(Session.connect({ url: peer.url, signal: AbortSignal.abort("early") }))).toBe("early");
    const abort = new AbortController();
    const connecting = Session.connect({ url: peer.url, signal: abort.signal });
    const server = await peer.accept();
    abort.abort("late");
    expect(await failure(connecting)).toBe("late");
    expect(await server.gone).toBeDefined();
  });

  it("does not listen to its signal afterwards", async () => {
    const abort = new AbortController();
    const [session] = await connect({ signal: abort.signal });
    abort.abort();
    await session.close();
    expect((await session.closed).code).toBe("session_closed");
  });

  it("refuses a server of another version, or one that does not begin with ready", async () => {
    const connecting = Session.connect({ url: peer.url });
    (await peer.accept()).send({ ...READY, protocol: 2 });
    expect(await failure(connecting)).toBeInstanceOf(ProtocolError);
    const again = Session.connect({ url: peer.url });
    (await peer.accept()).send({ type: "pong", nonce: 1 });
    expect(await failure(again)).toBeInstanceOf(ProtocolError);
  });

  it.each([
    ["no URL", { url: "localhost" }],
    ["another scheme", { url: "ftp://localhost" }],
    ["credentials in the URL", { url: "http://me:key@localhost" }],
    ["a key with a line break", { url: "http://localhost", apiKey: "a\nb" }],
  ])("refuses %s", async (_what, options) => {
    expect(await failure(Session.connect(options))).toBeInstanceOf(InvalidOptionError);
  });
});

describe("run", () => {
  it("sends the code and resolves with everything that came before done", async () => {
    const [session, server] = await connect();
    const texts: string[] = [];
    const running = session.run("1+1", {
      timeoutMs: 5000,
      env: { A: "b" },
      onStdout: (text) => texts.push(`out:${text}`),
      onStderr: (text) => texts.push(`err:${text}`),
    });
    const { id, ...sent } = await server.next("execute");
    expect(sent).toEqual({ type: "execute", code: "1+1", timeoutMs: 5000, env: { A: "b" } });
    expect(running.id).toBe(id);
    server.send({ type: "started", id });
    server.stdout(id, "a");
    server.stdout(id, "b", "stderr");
    server.stdout(id, "c\n");
    server.send({ type: "result", id, bundle: { "text/plain": "2" } });
    server.done(id, { executionCount: 3 });
    expect(await running).toEqual({
      id,
      status: "ok",
      exitCode: 0,
      stdout: "ac\n",
      stderr: "b",
      result: { "text/plain": "2" },
      displays: [],
      executionCount: 3,
      timings: { queuedUs: 1, execUs: 2 },
      truncated: false,
      stateKept: true,
    });
    expect(texts).toEqual(["out:a", "err:b", "out:c\n"]);
    await session.close();
  });

  it("tells of displays in their place, keeps the first of them, and puts them into stdout where that is asked", async () => {
    const [session, server] = await connect();
    const seen: string[] = [];
    const running = session.run("1", {
      displaysInStdout: true,
      maxOutputBytes: 10,
      onStdout: (text) => seen.push(text),
      onDisplay: (bundle) => seen.push(Object.keys(bundle).join()),
    });
    const { id } = await server.next("execute");
    const first = { "text/plain": "é", "image/png": new Uint8Array([0x89, 0]) };
    server.stdout(id, "a");
    server.send({ type: "display", id, bundle: first });
    server.send({ type: "display", id, bundle: { "text/plain": "1234567" } });
    server.send({ type: "display", id, bundle: { "text/plain": "b" } });
    server.done(id);
    const { displays, stdout, truncated } = await running;
    expect(displays).toEqual([first]);
    expect([stdout, truncated]).toEqual(["aé\n1\n[4 bytes left out]\n67\nb\n", true]);
    expect(seen).toEqual(["a", "é\n", "text/plain,image/png", "1234567\n", "text/plain", "b\n", "text/plain"]);
    await session.close();
  });

  it("resolves for a cell that failed", async () => {
    const [session, server] = await connect();
    const running = session.run("1/0");
    const { id } = await server.next("execute");
    server.send({ type: "error", id, name: "ZeroDivisionError", message: "division by zero", traceback: "T" });
    server.done(id, { status: "error", exitCode: 1 });
    expect(await running).toMatchObject({
      status: "error",
      exitCode: 1,
      error: { name: "ZeroDivisionError", message: "division by zero", traceback: "T" },
    });
    await session.close();
  });

  it("keeps several executions apart", async () => {
    const [session, server] = await connect();
    const [a, b] = [session.run("a"), session.run("b")];
    const ids = [(await server.next("execute")).id, (await server.next("execute")).id] as const;
    expect(new Set(ids).size).toBe(2);
    server.stdout(ids[0], "of a");
    server.done(ids[0]);
    server.stdout(ids[1], "of b");
    server.done(ids[1]);
    expect([(await a).stdout, (await b).stdout]).toEqual(["of a", "of b"]);
    await session.close();
  });

  it("never cuts a character in two", async () => {
    const [session, server] = await connect();
    const texts: string[] = [];
    const running = session.run("", { onStdout: (text) => texts.push(text) });
    const { id } = await server.next("execute");
    for (const byte of new TextEncoder().encode("é€😀")) server.stdout(id, new Uint8Array([byte]));
    server.stdout(id, new Uint8Array([0xe2, 0x82]));
    server.done(id);
    expect((await running).stdout).toBe("é€😀\ufffd");
    expect(texts).toEqual(["é", "€", "😀", "\ufffd"]);
    await session.close();
  });

  it("rejects, and goes on, when the server refuses the execution", async () => {
    const [session, server] = await connect();
    const running = session.run("1");
    const { id } = await server.next("execute");
    server.send({ type: "failure", code: "queue_full", message: "too many", frame: "execute", id });
    const error = await failure(running);
    expect(error).toBeInstanceOf(ExecutionRefusedError);
    expect(error).toMatchObject({ code: "queue_full", message: "too many" });
    const next = session.run("2");
    server.done((await server.next("execute")).id);
    expect((await next).status).toBe("ok");
    await session.close();
  });

  it.each<[string, string, object]>([
    ["half a character", "'\ud800'", {}],
    ["too much code", "x".repeat(1_048_577), {}],
    [
      "code and env that do not fit into one frame",
      "x".repeat(1_048_576),
      { env: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`N${i}`, "v".repeat(4000)])) },
    ],
    ["a timeout of 0", "", { timeoutMs: 0 }],
    ["too long a timeout", "", { timeoutMs: 3_600_001 }],
    ["a bad name in env", "", { env: { "A=B": "c" } }],
    ["a negative maxOutputBytes", "", { maxOutputBytes: -1 }],
  ])("rejects %s without sending it", async (_what, code, options) => {
    const [session, server] = await connect();
    expect(await failure(session.run(code, options))).toBeInstanceOf(InvalidOptionError);
    session.ping().catch(() => {});
    await server.next("ping"); // and nothing before it
    await session.close();
  });

  it("may be left alone when the session ends", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const [session] = await connect();
    session.run("forever");
    await session.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it("is cut visibly at maxOutputBytes, head and tail kept", async () => {
    const [session, server] = await connect();
    const running = session.run("", { maxOutputBytes: 8 });
    const { id } = await server.next("execute");
    server.stdout(id, "abcdefghij");
    server.stdout(id, "klmnop");
    server.done(id);
    expect(await running).toMatchObject({ stdout: "abcd\n[8 bytes left out]\nmnop", truncated: true });
    await session.close();
  });
});

describe("interrupting and aborting", () => {
  it("sends the interrupt and waits for the end", async () => {
    const [session, server] = await connect();
    const running = session.run("while True: pass");
    const { id } = await server.next("execute");
    running.interrupt();
    expect(await server.next("interrupt")).toEqual({ type: "interrupt", id });
    running.interrupt({ after: "kill" });
    expect(await server.next("interrupt")).toEqual({ type: "interrupt", id, after: "kill" });
    server.done(id, { status: "interrupted", exitCode: 130 });
    expect(await running).toMatchObject({ status: "interrupted", exitCode: 130 });
    running.interrupt();
    await session.close();
    expect(server.unread).toEqual([]);
  });

  it("rejects with the signal's reason at once, and drops what still comes", async () => {
    const [session, server] = await connect();
    const abort = new AbortController();
    const onStdout = vi.fn();
    const running = session.run("", { signal: abort.signal, onStdout });
    const { id } = await server.next("execute");
    abort.abort("enough");
    expect(await failure(running)).toBe("enough");
    expect(await server.next("interrupt")).toEqual({ type: "interrupt", id });
    server.stdout(id, "late");
    server.done(id, { status: "interrupted", exitCode: 130 });
    const next = session.run("");
    server.done((await server.next("execute")).id);
    await next;
    expect(onStdout).not.toHaveBeenCalled();
    await session.close();
  });

  it("does not send what was aborted before", async () => {
    const [session, server] = await connect();
    expect(await failure(session.run("", { signal: AbortSignal.abort("no") }))).toBe("no");
    await session.close();
    expect(server.unread).toEqual([]);
  });

  it("rejects with what a callback throws, and stops the cell", async () => {
    const [session, server] = await connect();
    const bug = new Error("bug");
    const onStdout = vi.fn(() => {
      throw bug;
    });
    const running = session.run("", { onStdout });
    const { id } = await server.next("execute");
    server.stdout(id, "a");
    server.stdout(id, "b");
    expect(await failure(running)).toBe(bug);
    await server.next("interrupt");
    server.done(id);
    await session.close();
    expect(onStdout).toHaveBeenCalledTimes(1);
  });
});

describe("standard input", () => {
  it("is fed by write, in chunks, until closeStdin", async () => {
    const [session, server] = await connect();
    const running = session.run("", { stdin: "open" });
    const { id, stdin } = await server.next("execute");
    expect(stdin).toBe("open");
    running.write("é");
    running.write(new Uint8Array(65_537));
    running.closeStdin();
    running.closeStdin();
    expect(await server.next("stdin")).toEqual({ type: "stdin", id, data: new Uint8Array([0xc3, 0xa9]) });
    expect((await server.next("stdin")).data.length).toBe(65_536);
    expect((await server.next("stdin")).data.length).toBe(1);
    expect(await server.next("stdin")).toEqual({ type: "stdin", id, data: new Uint8Array(0), eof: true });
    expect(() => running.write("x")).toThrow(InvalidOptionError);
    server.done(id);
    await running;
    running.write("too late, and harmless");
    await session.close();
    expect(server.unread).toEqual([]);
  });

  it("is closed unless asked for", async () => {
    const [session, server] = await connect();
    const running = session.run("");
    expect((await server.next("execute")).stdin).toBeUndefined();
    expect(() => running.write("x")).toThrow(InvalidOptionError);
    await session.close();
  });

  it("is sent whole with input", async () => {
    const [session, server] = await connect();
    session.run("", { input: "all" });
    const { id } = await server.next("execute");
    expect(await server.next("stdin")).toMatchObject({ id, data: new TextEncoder().encode("all") });
    expect(await server.next("stdin")).toMatchObject({ id, eof: true });
    await session.close();
  });

  it("answers input() by onInput, and ends with undefined", async () => {
    const [session, server] = await connect();
    const onInput = vi.fn().mockResolvedValueOnce("Ada").mockReturnValueOnce(undefined);
    session.run("", { onInput });
    const { id } = await server.next("execute");
    server.send({ type: "inputRequest", id, prompt: "name? ", password: false });
    expect(await server.next("stdin")).toMatchObject({ data: new TextEncoder().encode("Ada\n") });
    server.send({ type: "inputRequest", id, prompt: "key? ", password: true });
    expect(await server.next("stdin")).toMatchObject({ eof: true });
    expect(onInput.mock.calls).toEqual([
      [{ prompt: "name? ", password: false }],
      [{ prompt: "key? ", password: true }],
    ]);
    await session.close();
  });

  it("that the server did not take stops the cell and rejects: what follows would have a hole", async () => {
    const onFailure = vi.fn();
    const [session, server] = await connect({ onFailure });
    const running = session.run("", { stdin: "open" });
    const { id } = await server.next("execute");
    running.write("x");
    await server.next("stdin");
    server.send({ type: "failure", code: "stdin_overflow", message: "m", frame: "stdin", id });
    expect(await failure(running)).toMatchObject({ name: "ZerobootError", code: "stdin_overflow" });
    expect(await server.next("interrupt")).toEqual({ type: "interrupt", id });
    server.done(id, { status: "interrupted" });
    expect(onFailure).not.toHaveBeenCalled();
    await session.close();
  });

  it("that comes for an execution that has ended is reported to the session", async () => {
    const onFailure = vi.fn();
    const [session, server] = await connect({ onFailure });
    const running = session.run("", { stdin: "open" });
    const { id } = await server.next("execute");
    server.done(id);
    server.send({ type: "failure", code: "unknown_execution", message: "m", frame: "stdin", id });
    expect((await running).status).toBe("ok");
    await vi.waitFor(() =>
      expect(onFailure).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "unknown_execution" })),
    );
    await session.close();
  });

  it("beyond what a server holds goes on frame by frame, and again when it was refused", async () => {
    const [session, server] = await connect();
    const input = Buffer.alloc(1024 * 1024 + 100, "line of input\n");
    const running = session.run("", { input });
    const { id } = await server.next("execute");
    const taken: Uint8Array[] = [];
    for (let i = 0; i < 16; i++) taken.push((await server.next("stdin")).data);
    const refused = await server.next("stdin");
    server.send({ type: "failure", code: "stdin_overflow", message: "m", frame: "stdin", id });
    server.send({ type: "pong", nonce: (await server.next("ping")).nonce });
    const again = await server.next("stdin");
    expect(again).toEqual(refused);
    server.send({ type: "pong", nonce: (await server.next("ping")).nonce });
    expect(await server.next("stdin")).toMatchObject({ eof: true });
    server.done(id);
    await running;
    expect(Buffer.concat([...taken, again.data]).equals(input)).toBe(true);
    await session.close();
  });
});

describe("a session that is put into a fresh virtual machine", () => {
  it("says so, and goes on under its name", async () => {
    const restarts: unknown[] = [];
    const [session, server] = await connect({ onRestart: (restart) => restarts.push(restart) });
    const running = session.run("while True: pass", { timeoutMs: 5 });
    const { id } = await server.next("execute");
    server.done(id, { status: "timeout", exitCode: 124, stateKept: false, stoppedBy: "restart" });
    server.send({ type: "restarted", vmId: "v2", forkTimeUs: 700, reason: "timeout" });
    expect(await running).toMatchObject({ status: "timeout", stateKept: false, stoppedBy: "restart" });
    const next = session.run("1");
    server.done((await server.next("execute")).id);
    expect(await next).toMatchObject({ status: "ok", stateKept: true });
    expect(session).toMatchObject({ id: "s1", vmId: "v2", forkTimeUs: 700 });
    expect(restarts).toEqual([{ vmId: "v2", forkTimeUs: 700, reason: "timeout" }]);
    await session.close();
  });
});

describe("questions", () => {
  it("complete: positions are those of the string, whatever its characters take", async () => {
    const [session, server] = await connect();
    const code = "'𝄞'; pri + 1";
    const completion = session.complete(code, code.indexOf(" +"));
    const frame = await server.next("complete");
    expect(frame).toEqual({ type: "complete", id: expect.any(String), code, cursor: 8 });
    server.send({ type: "completed", id: frame.id, matches: ["print"], start: 5, end: 8 });
    expect(await completion).toEqual({ matches: ["print"], start: 6, end: 9 });
    await session.close();
  });

  it("check: answers the status and the indent of the next line", async () => {
    const [session, server] = await connect();
    const check = session.check("if x:");
    const { id } = await server.next("check");
    server.send({ type: "checked", id, status: "incomplete", indent: "  " });
    expect(await check).toEqual({ status: "incomplete", indent: "  " });
    await session.close();
  });

  it("inspect: answers what is told of the object", async () => {
    const [session, server] = await connect();
    const inspection = session.inspect("😀len");
    const { id, cursor } = await server.next("inspect");
    expect(cursor).toBe(4);
    server.send({ type: "inspected", id, found: true, bundle: { "text/plain": "len(obj, /)" } });
    expect(await inspection).toEqual({ found: true, bundle: { "text/plain": "len(obj, /)" } });
    await session.close();
  });

  it("share their ids with executions", async () => {
    const [session, server] = await connect();
    session.run("1");
    session.check("1").catch(() => {});
    session.complete("1").catch(() => {});
    const ids = [await server.next("execute"), await server.next("check"), await server.next("complete")];
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
    await session.close();
  });

  it("reject with what the server says, and with the end of the session", async () => {
    const [session, server] = await connect();
    const refused = session.check("1");
    const { id } = await server.next("check");
    server.send({ type: "failure", code: "restarted", message: "m", frame: "check", id });
    expect(await failure(refused)).toMatchObject({ name: "ExecutionRefusedError", code: "restarted" });
    const open = session.complete("a");
    await server.next("complete");
    const closing = failure(open);
    await session.close();
    expect(await closing).toMatchObject({ name: "SessionClosedError", code: "session_closed" });
    expect(await failure(session.check("1"))).toMatchObject({ code: "session_closed" });
  });

  it("reject what cannot be asked", async () => {
    const [session] = await connect();
    for (const cursor of [-1, 2, 0.5, Number.NaN]) {
      expect(await failure(session.complete("a", cursor))).toBeInstanceOf(InvalidOptionError);
    }
    expect(await failure(session.check("'\ud800'"))).toBeInstanceOf(InvalidOptionError);
    expect(await failure(session.check("x".repeat(1_048_577)))).toBeInstanceOf(InvalidOptionError);
    await session.close();
  });

  it("that are answered without being asked end the session", async () => {
    const [session, server] = await connect();
    server.send({ type: "checked", id: "9", status: "complete", indent: "" });
    expect(await session.closed).toBeInstanceOf(ProtocolError);
  });
});

describe("the end of a session", () => {
  it("close() answers undefined, is idempotent, and tells the server", async () => {
    const [session, server] = await connect();
    expect(await session.close()).toBeUndefined();
    await session.close();
    expect((await server.gone).code).toBe(1000);
    expect((await session.closed).code).toBe("session_closed");
  });

  it("close() rejects every outstanding execution once, and everything later", async () => {
    const [session] = await connect();
    const rejected = vi.fn();
    const all = [session.run("a"), session.run("b"), session.ping()].map((one) => one.then(undefined, rejected));
    await session.close();
    await Promise.all(all);
    expect(rejected).toHaveBeenCalledTimes(3);
    expect(rejected).toHaveBeenCalledWith(expect.objectContaining({ code: "session_closed" }));
    expect(await failure(session.run("late"))).toBeInstanceOf(SessionClosedError);
    expect(await failure(session.ping())).toBeInstanceOf(SessionClosedError);
  });

  it("no callback fires after close() was called", async () => {
    const [session, server] = await connect();
    const onStdout = vi.fn();
    const running = session.run("", { onStdout });
    const { id } = await server.next("execute");
    server.stdout(id, "late");
    const closing = session.close();
    await failure(running);
    await closing;
    expect(onStdout).not.toHaveBeenCalled();
  });

  it("close() answers although the server does not", async () => {
    const [session, server] = await connect();
    server.socket.pause();
    await session.close();
    expect((await session.closed).code).toBe("session_closed");
  });

  it("is closed by await using", async () => {
    const [session, server] = await connect();
    {
      await using scoped = session;
      expect(scoped.id).toBe("s1");
    }
    expect((await server.gone).code).toBe(1000);
  });

  it("by the guest: the reason is every execution's error", async () => {
    const [session, server] = await connect();
    const running = session.run("import os; os.abort()");
    const { id } = await server.next("execute");
    server.stdout(id, "last words");
    server.send(
      { type: "failure", code: "agent_exited", message: "signal 6" },
      { type: "closed", reason: "agent_exited" },
    );
    server.socket.close(4523);
    const error = await failure(running);
    expect(error).toBeInstanceOf(SessionClosedError);
    expect(error).toMatchObject({ code: "agent_exited" });
    expect(await session.closed).toBe(error);
  });

  it("by a lost connection", async () => {
    const [session, server] = await connect();
    const running = session.run("");
    await server.next("execute");
    server.socket.terminate();
    expect(await failure(running)).toMatchObject({ name: "SessionClosedError", code: "connection_lost" });
  });

  it.each<[string, (server: PeerConnection) => void]>([
    ["a text message", (server) => server.socket.send("hello")],
    ["what is not msgpack", (server) => server.socket.send(new Uint8Array([0xc1]))],
    ["an ill-formed frame", (server) => server.socket.send(encodeFrame({ type: "pong" } as never))],
    ["a second ready", (server) => server.send(READY)],
    ["done for nothing", (server) => server.done("99")],
    ["a pong nobody asked for", (server) => server.send({ type: "pong", nonce: 3 })],
  ])("by a server that sends %s", async (_what, send) => {
    const [session, server] = await connect();
    send(server);
    expect(await session.closed).toBeInstanceOf(ProtocolError);
    expect(await failure(session.run(""))).toMatchObject({ code: "protocol_error" });
    await session.close();
  });

  it("passes over frames of a newer server", async () => {
    const [session, server] = await connect();
    server.socket.send(encodeFrame({ type: "stats", cpu: 1 } as never));
    const running = session.run("");
    server.done((await server.next("execute")).id);
    expect((await running).status).toBe("ok");
    await session.close();
  });
});

describe("ping", () => {
  it("answers the round trip", async () => {
    const [session, server] = await connect();
    const [first, second] = [session.ping(), session.ping()];
    const nonces = [(await server.next("ping")).nonce, (await server.next("ping")).nonce] as const;
    server.send({ type: "pong", nonce: nonces[1] }, { type: "pong", nonce: nonces[0] });
    expect(await first).toBeGreaterThan(0);
    expect(await second).toBeGreaterThan(0);
    await session.close();
  });

  it("refuses more than 64 unanswered", async () => {
    const [session] = await connect();
    for (let at = 0; at < 64; at++) session.ping().catch(() => {});
    expect(await failure(session.ping())).toMatchObject({ code: "send_queue_full" });
    await session.close();
  });
});
