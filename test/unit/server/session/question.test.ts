import { describe, expect, it } from "vitest";
import { Question } from "../../../../server/src/session/question.js";

const JSON_PART = 4;

/** The frame for an answer of the guest. */
function answer(question: Question, json: string, truncated = false) {
  const data = Buffer.from(json);
  question.answered({ parts: new Map([[JSON_PART, data]]), bytes: data.length, truncated, cut: new Set() });
  return question.answer();
}
const complete = (code: string, cursor: number) => new Question({ type: "complete", id: "q", code, cursor });
const inspect = (code: string, cursor: number) => new Question({ type: "inspect", id: "q", code, cursor });
const check = (code: string) => new Question({ type: "check", id: "q", code });

describe("a question", () => {
  it("is handed over as the link wants it", () => {
    const question = complete("é.x", 2);
    expect([question.executeFlags, Buffer.from(question.code).toString("hex")]).toEqual([0x02, "02000000c3a92e78"]);
    expect(inspect("é.x", 2).executeFlags).toBe(0x08);
    expect(inspect("é.x", 2).code).toEqual(question.code);
    expect([check("é").executeFlags, Buffer.from(check("é").code).toString("hex")]).toEqual([0x04, "c3a9"]);
  });

  it("has no cursor beyond its code, counted in code points", () => {
    expect(Buffer.from(complete("𝄞a", 2 ** 40).code).readUInt32LE(0)).toBe(2);
  });

  it("is answered by what the guest says", () => {
    expect(answer(complete("x.ab", 4), '{"matches": ["abs", "ä"], "start": 2, "end": 4, "more": 1}')).toEqual({
      type: "completed",
      id: "q",
      matches: ["abs", "ä"],
      start: 2,
      end: 4,
    });
    expect(answer(check("if:"), '{"status": "invalid", "indent": ""}')).toMatchObject({ status: "invalid" });
  });

  it("has at most as many matches as a frame may hold, and an indent of reason", () => {
    const many = JSON.stringify({ matches: Array.from({ length: 1000 }, String), start: 0, end: 0 });
    expect(answer(complete("", 0), many)).toMatchObject({ matches: { length: 256 } });
    const deep = JSON.stringify({ status: "incomplete", indent: " ".repeat(5000) });
    expect(answer(check("if:"), deep)).toMatchObject({ status: "incomplete", indent: " ".repeat(1024) });
  });

  it("tells of an object what the guest says in words, and no more of it than a reader takes", () => {
    const said = {
      found: true,
      bundle: { "text/plain": "x".repeat(100_000), "text/html": 1, "image/png": "no", other: "no", __proto__: "no" },
    };
    expect(answer(inspect("abc", 3), JSON.stringify(said))).toEqual({
      type: "inspected",
      id: "q",
      found: true,
      bundle: { "text/plain": "x".repeat(64 * 1024) },
    });
    expect(answer(inspect("abc", 3), '{"found": true, "bundle": {"text/markdown": "*m*"}}')).toMatchObject({
      found: true,
      bundle: { "text/plain": "", "text/markdown": "*m*" },
    });
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["another type", "[1]"],
    ["nesting without end", "[".repeat(100_000)],
    ["positions that are none", '{"matches": [], "start": -1, "end": 0}'],
    ["an end before its start", '{"matches": ["a"], "start": 2, "end": 1}'],
    ["an end beyond the code", '{"matches": ["a"], "start": 0, "end": 4}'],
    ["a match that is no text", '{"matches": [1], "start": 0, "end": 1}'],
  ])("is answered harmlessly where the guest says %s", (_, json) => {
    expect(answer(complete("abc", 3), json)).toEqual({ type: "completed", id: "q", matches: [], start: 3, end: 3 });
    expect(answer(inspect("abc", 3), json)).toEqual({
      type: "inspected",
      id: "q",
      found: false,
      bundle: { "text/plain": "" },
    });
    expect(answer(check("abc"), json)).toEqual({ type: "checked", id: "q", status: "complete", indent: "" });
  });

  it("is answered harmlessly where the guest says nothing, or too much", () => {
    expect(complete("abc", 1).answer()).toMatchObject({ matches: [], start: 1, end: 1 });
    expect(answer(check("abc"), '{"status": "invalid", "indent": ""}', true)).toMatchObject({ status: "complete" });
  });
});
