import { MAX_BUNDLE_BYTES, type ServerFrame, utf8Length } from "@zeroboot/sdk/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { GuestKind } from "../../../../native/engine.js";
import { Credit } from "../../../../server/src/session/credit.js";
import { Execution } from "../../../../server/src/session/execution.js";
import { Question } from "../../../../server/src/session/question.js";
import { RecordReader } from "../../../../server/src/session/record-reader.js";
import { GuestViolation, RecordRouter, type Routed } from "../../../../server/src/session/record-router.js";
import { DONE, donePayload, LAST, MORE, PNG, record, stderr, stdout, TEXT } from "./records.js";
import { Sent } from "./sent.js";

const ID = 7;
let sent: Sent;
let credit: Credit;
let router: RecordRouter;
let running: Execution;

beforeEach(() => {
  sent = new Sent();
  credit = new Credit(100, 1000);
  router = new RecordRouter(sent, credit, 1_000_000);
  running = new Execution(
    { type: "execute", id: "a", code: "" },
    { defaultTimeoutMs: 1000, maxOutputBytes: 1_000_000 },
  );
  running.engineId = ID;
});

/** Route a batch as far as it goes, and flush: what became of each record. */
function route(reader: RecordReader, during: "cell" | "idle" = "cell"): Routed[] {
  const routed: Routed[] = [];
  for (let next = reader.peek(); next !== undefined; next = reader.peek()) {
    const became = router.route(reader, next, during === "cell" ? running : undefined);
    routed.push(became);
    if (became === "held") break;
  }
  router.flush();
  return routed;
}
const batch = (...records: Buffer[]) => new RecordReader(Buffer.concat(records));

/** Frames, their data as text. */
const frames = (): unknown[] =>
  sent.frames.map((frame: ServerFrame) =>
    "data" in frame ? { ...frame, data: Buffer.from(frame.data).toString() } : frame,
  );

describe("output", () => {
  it("becomes frames of the execution that runs, and is paid for", () => {
    expect(route(batch(stdout(ID, "ab"), stdout(ID, "c"), stderr(ID, "d")))).toEqual(["taken", "taken", "taken"]);
    expect(frames()).toEqual([
      { type: "stdout", id: "a", seq: 0, data: "abc" },
      { type: "stderr", id: "a", seq: 1, data: "d" },
    ]);
    expect(credit.available).toBe(96);
  });

  it("is sent as far as the credit reaches; the rest of the record follows with more", () => {
    credit.spend(97);
    const reader = batch(stdout(ID, "abcdef"), stdout(ID, "g"));
    expect(route(reader)).toEqual(["taken", "held"]);
    expect(frames()).toEqual([{ type: "stdout", id: "a", seq: 0, data: "abc" }]);
    credit.grant(2);
    route(reader);
    credit.grant(50);
    expect(route(reader)).toEqual(["taken", "taken"]);
    expect(frames().slice(1)).toMatchObject([{ data: "de" }, { data: "fg" }]);
    expect(running.truncated).toBe(false);
  });

  it("waits while the connection takes no more", () => {
    sent.writable = false;
    const reader = batch(stdout(ID, "ab"), stderr(ID, "cd"), stdout(ID, "ef"));
    // The second stream sends the first piece, which the connection only queues.
    expect(route(reader)).toEqual(["taken", "taken", "held"]);
    expect(router.writable).toBe(false);
    sent.writable = true;
    router.writable = true;
    expect(route(reader)).toEqual(["taken"]);
    expect(frames()).toMatchObject([{ data: "ab" }, { data: "cd" }, { data: "ef" }]);
  });

  it("that belongs to no cell waits for the next one to run", () => {
    const reader = batch(stdout(0, "from a thread"));
    expect(route(reader, "idle")).toEqual(["held"]);
    expect(route(reader)).toEqual(["taken"]);
    expect(frames()).toEqual([{ type: "stdout", id: "a", seq: 0, data: "from a thread" }]);
  });

  it("that has no room is thrown away once the execution is being stopped, and done can come", () => {
    credit.spend(98);
    running.discarding = true;
    const reader = batch(stdout(ID, "ab"), stdout(ID, "cd"), record(GuestKind.done, 0, ID, donePayload(DONE.ok)));
    expect(route(reader)).toEqual(["taken", "taken", { status: "ok", exitCode: 0, truncated: false }]);
    expect(frames()).toMatchObject([{ data: "ab" }]);
    expect(running.truncated).toBe(true);
  });

  it("behind what was thrown away is, too: what was sent is a beginning", () => {
    credit.spend(100);
    running.discarding = true;
    expect(route(batch(stdout(ID, "lost")))).toEqual(["taken"]);
    credit.grant(100);
    expect(route(batch(stdout(ID, "never"), stderr(ID, "either")))).toEqual(["taken", "taken"]);
    expect(frames()).toEqual([]);
  });

  it("of no bytes costs nothing and is no frame", () => {
    credit.spend(100);
    expect(route(batch(stdout(ID, ""), stderr(ID, "")))).toEqual(["taken", "taken"]);
    expect(frames()).toEqual([]);
  });
});

describe("a result", () => {
  const result = (flags: number, text: string) => record(GuestKind.result, flags, ID, text);

  it("is put together, sent behind earlier output and paid for", () => {
    route(batch(stdout(ID, "ab"), result(TEXT | MORE, "4"), result(TEXT, "2"), result(1 | LAST, "<i>é</i>")));
    expect(frames()).toEqual([
      { type: "stdout", id: "a", seq: 0, data: "ab" },
      { type: "result", id: "a", bundle: { "text/plain": "42", "text/html": "<i>é</i>" } },
    ]);
    expect(credit.available).toBe(100 - 2 - 2 - utf8Length("<i>é</i>"));
  });

  it("is sent whole on any credit and held on none", () => {
    credit.spend(99);
    const reader = batch(result(TEXT | LAST, "x".repeat(300)), result(TEXT | LAST, "y"));
    expect(route(reader)).toEqual(["taken", "held"]);
    expect(frames()).toMatchObject([{ bundle: { "text/plain": "x".repeat(300) } }]);
    credit.grant(300);
    expect(route(reader)).toEqual(["taken"]);
  });

  it("says so when it was cut", () => {
    const chunk = result(TEXT | MORE, "x".repeat(16_384));
    route(batch(...Array.from({ length: 61 }, () => chunk), result(TEXT, ""), result(PNG | LAST, "\x89")));
    expect(running.truncated).toBe(true);
    expect(frames()).toEqual([{ type: "result", id: "a", bundle: { "text/plain": "x".repeat(MAX_BUNDLE_BYTES) } }]);
  });

  it("is thrown away without room while the execution is being stopped", () => {
    credit.spend(100);
    running.discarding = true;
    expect(route(batch(result(TEXT | LAST, "42")))).toEqual(["taken"]);
    expect([frames(), running.truncated]).toEqual([[], true]);
  });
});

describe("a display", () => {
  const display = (flags: number, text: string | Uint8Array, execution = ID) =>
    record(GuestKind.display, flags, execution, text);

  it("keeps its place among the output, and is paid for", () => {
    const png = Buffer.of(0x89, 0xff, 0x00);
    const shown = [display(TEXT, "<Figure>"), display(PNG | MORE, png), display(PNG | LAST, png)];
    route(batch(stdout(ID, "ab"), ...shown, stdout(ID, "c"), display(TEXT | LAST, "2", 0)));
    expect(frames()).toEqual([
      { type: "stdout", id: "a", seq: 0, data: "ab" },
      { type: "display", id: "a", bundle: { "text/plain": "<Figure>", "image/png": new Uint8Array([...png, ...png]) } },
      { type: "stdout", id: "a", seq: 1, data: "c" },
      { type: "display", id: "a", bundle: { "text/plain": "2" } },
    ]);
    expect(credit.available).toBe(100 - 3 - 8 - 6 - 1);
  });

  it("is sent whole on any credit, and held on none or while nothing runs", () => {
    expect(route(batch(display(TEXT | LAST, "early", 0)), "idle")).toEqual(["held"]);
    credit.spend(99);
    const reader = batch(display(TEXT | LAST, "x".repeat(300)), display(TEXT | LAST, "y"));
    expect(route(reader)).toEqual(["taken", "held"]);
    credit.grant(300);
    expect(route(reader)).toEqual(["taken"]);
    expect(frames()).toMatchObject([{ bundle: { "text/plain": "x".repeat(300) } }, { bundle: { "text/plain": "y" } }]);
  });

  it("counts as output of its cell, and is left out where that is at its end", () => {
    running = new Execution({ type: "execute", id: "a", code: "" }, { defaultTimeoutMs: 1000, maxOutputBytes: 5 });
    running.engineId = ID;
    route(batch(display(TEXT | LAST, "abc"), display(TEXT | LAST, "def"), stdout(ID, "gh")));
    expect(frames()).toEqual([
      { type: "display", id: "a", bundle: { "text/plain": "abc" } },
      { type: "stdout", id: "a", seq: 0, data: "gh" },
    ]);
    expect(running.truncated).toBe(true);
  });

  it("is thrown away without room while the execution is being stopped, and all output behind it", () => {
    credit.spend(100);
    running.discarding = true;
    expect(route(batch(display(TEXT | LAST, "42")))).toEqual(["taken"]);
    credit.grant(100);
    expect(route(batch(stdout(ID, "behind")))).toEqual(["taken"]);
    expect([frames(), running.truncated]).toEqual([[], true]);
  });

  it("is lost while a question is answered, whatever is wrong with it", () => {
    const question = new Question({ type: "check", id: "q", code: "" });
    const reader = batch(display(TEXT | MORE, "a", 0), display(PNG | LAST, "b", 0));
    for (let next = reader.peek(); next !== undefined; next = reader.peek()) {
      expect(router.route(reader, next, question)).toBe("lost");
    }
  });

  it("must have its parts in order", () => {
    expect(() => route(batch(display(TEXT | MORE, "a"), display(PNG | LAST, "b")))).toThrow(GuestViolation);
  });
});

describe("an error", () => {
  it("is name, message and traceback in one frame, paid for", () => {
    const part = (flags: number, text: string) => record(GuestKind.error, flags, ID, text);
    route(batch(part(0, "ValueError"), part(1, "no"), part(2 | LAST, "line 1")));
    expect(frames()).toEqual([{ type: "error", id: "a", name: "ValueError", message: "no", traceback: "line 1" }]);
    expect(credit.available).toBe(100 - 18);
  });
});

describe("control records", () => {
  it("need no credit: a request for input", () => {
    credit.spend(100);
    route(batch(record(GuestKind.inputRequest, 0x01, ID, "Password: "), record(GuestKind.inputRequest, 0, ID, "")));
    expect(frames()).toEqual([
      { type: "inputRequest", id: "a", prompt: "Password: ", password: true },
      { type: "inputRequest", id: "a", prompt: "", password: false },
    ]);
  });

  it("are handed to the session: done and identity", () => {
    expect(route(batch(record(GuestKind.done, 0, ID, donePayload(DONE.error, 3, 1))))).toEqual([
      { status: "error", exitCode: 3, truncated: true },
    ]);
    expect(route(batch(record(GuestKind.identity, 0, 0)), "idle")).toEqual(["identified"]);
  });
});

describe("a cell's cap", () => {
  const capped = (maxOutputBytes: number) => {
    running = new Execution({ type: "execute", id: "a", code: "" }, { defaultTimeoutMs: 1000, maxOutputBytes });
    running.engineId = ID;
  };
  const end = () => record(GuestKind.done, 0, ID, donePayload(DONE.ok));

  it("lets the beginning go out as it comes and the end behind it, without asking for credit in between", () => {
    capped(4);
    credit.spend(90);
    const reader = batch(stdout(ID, "abcdef"), stderr(ID, "x"), stdout(ID, "g"), end());
    expect(route(reader)).toEqual([
      "taken",
      "taken",
      "taken",
      "taken",
      { status: "ok", exitCode: 0, truncated: false },
    ]);
    expect(frames()).toMatchObject([
      { type: "stdout", data: "abcdefg" },
      { type: "stderr", data: "x" },
    ]);
    expect([running.truncated, credit.available]).toEqual([false, 2]);
  });

  it("says what is missing, and is paid for like all output: done waits for it", () => {
    capped(4);
    const long = "0123456789".repeat(4000);
    const reader = batch(
      stdout(ID, "abcd"),
      ...[0, 1, 2, 3].map((i) => stdout(ID, long.slice(i * 10_000, (i + 1) * 10_000))),
      end(),
    );
    expect(route(reader).at(-1)).toBe("held");
    credit.grant(1000);
    expect(route(reader)).toEqual(["held"]);
    for (let i = 0; i < 50 && route(reader).at(-1) === "held"; i++) credit.grant(1000);
    const sent = frames().map((frame) => (frame as { data: string }).data);
    expect(sent.join("")).toBe(`abcd\n[${40_000 - 32_768} bytes left out]\n${long.slice(-32_768)}`);
    expect(running.truncated).toBe(true);
  });

  it("holds nothing up once the execution is being stopped", () => {
    capped(0);
    credit.spend(100);
    running.discarding = true;
    expect(route(batch(stdout(ID, "ab"), end())).at(-1)).toMatchObject({ status: "ok" });
    expect([frames(), running.truncated]).toEqual([[], true]);
  });
});

describe("a session's limit of output", () => {
  it("counts what was written, sent or not, and ends it", () => {
    const limited = new RecordRouter(sent, credit, 5);
    running.discarding = true;
    credit.spend(98);
    const reader = batch(stdout(ID, "abcd"), stdout(ID, "ef"), stdout(ID, "g"));
    const routed: Routed[] = [];
    for (let next = reader.peek(); next !== undefined && routed.at(-1) !== "exhausted"; next = reader.peek()) {
      routed.push(limited.route(reader, next, running));
    }
    expect(routed).toEqual(["taken", "taken", "taken", "exhausted"]);
  });
});

describe("during a question", () => {
  const question = () => {
    const asked = new Question({ type: "check", id: "q", code: "1" });
    asked.engineId = ID;
    return asked;
  };

  it("output is put aside and the answer kept, whatever the credit", () => {
    const asked = question();
    credit.spend(100);
    const json = '{"status": "invalid", "indent": ""}';
    const reader = batch(
      stdout(0, "thread"),
      record(GuestKind.result, 4 | LAST, ID, json),
      record(GuestKind.done, 0, ID, donePayload(DONE.ok)),
    );
    const routed: Routed[] = [];
    for (let next = reader.peek(); next !== undefined; next = reader.peek()) {
      routed.push(router.route(reader, next, asked));
    }
    expect(routed).toEqual(["aside", "taken", { status: "ok", exitCode: 0, truncated: false }]);
    expect(asked.answer()).toMatchObject({ status: "invalid" });
    expect(frames()).toEqual([]);
  });

  it("nothing asks for input", () => {
    const reader = batch(record(GuestKind.inputRequest, 0, ID, "? "));
    const next = reader.peek();
    expect(() => next && router.route(reader, next, question())).toThrow(GuestViolation);
  });
});

describe("a guest breaks the rules", () => {
  it.each([
    ["with output of an execution that does not run", stdout(ID + 1, "x")],
    ["with an end of one", record(GuestKind.done, 0, ID + 1, donePayload(DONE.ok))],
    ["with a second ready", record(GuestKind.ready, 0, 0, "CPython")],
    ["with an end it has no word for", record(GuestKind.done, 0, ID, donePayload(9))],
    ["with half an end", record(GuestKind.done, 0, ID, "x")],
    ["with a kind that is none", record(0x8a, 0, ID)],
    ["with a part that has no meaning", record(GuestKind.result, 63 | LAST, ID, "x")],
    ["with a fourth part of an error", record(GuestKind.error, 3, ID, "x")],
  ])("%s", (_, bytes) => {
    expect(() => route(batch(bytes))).toThrow(GuestViolation);
  });

  it.each([GuestKind.result, GuestKind.error, GuestKind.inputRequest, GuestKind.done])(
    "with a record of kind %d while nothing runs",
    (kind) => expect(() => route(batch(record(kind, 0, 0, "x")), "idle")).toThrow(GuestViolation),
  );
});
