import { FAILURES, type FailureCode } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import { failure, json, noContent } from "../../../../server/src/http/responses.js";

describe("a response", () => {
  it("is JSON that no cache keeps", () => {
    expect(json(201, { a: 1 }, { "x-a": "b" })).toEqual({
      status: 201,
      headers: {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-type": "application/json; charset=utf-8",
        "x-a": "b",
      },
      body: '{"a":1}\n',
    });
  });

  it.each(Object.keys(FAILURES) as FailureCode[])("tells the failure %s by the registry", (code) => {
    const { status, headers, body } = failure(code, "r1", { "x-a": "b" });
    expect(status).toBe(FAILURES[code].httpStatus);
    expect(JSON.parse(body)).toEqual({ error: FAILURES[code].meaning, code, request_id: "r1" });
    expect(headers).toMatchObject({ "x-request-id": "r1", "x-a": "b" });
  });

  it("can be empty", () => {
    expect(noContent({ allow: "GET" })).toMatchObject({ status: 204, body: "", headers: { allow: "GET" } });
  });
});
