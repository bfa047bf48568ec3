import { describe, expect, it } from "vitest";
import { HostPolicy } from "../../../../server/src/access/host-policy.js";
import { json } from "../../../../server/src/http/responses.js";
import { createRouter } from "../../../../server/src/http/router.js";
import { atOnce, request } from "../request.js";

const seen: string[] = [];
const router = createRouter(new HostPolicy([], ["https://app.test"]), {
  "/v1/thing": {
    methods: ["GET"],
    handle: (_, id) => {
      seen.push(id);
      return json(200, { ok: true });
    },
  },
  "/v1/act": { methods: ["POST"], handle: () => json(202, {}) },
  "/v1/thing/*": { methods: ["DELETE"], handle: ({ path }) => json(200, { path }) },
});

const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
  atOnce(router(request(headers, { method, path })));
const codeOf = (body: string): unknown => (JSON.parse(body) as { code: unknown }).code;

describe("the router", () => {
  it("answers by path and method, HEAD as GET", () => {
    expect(ask("GET", "/v1/thing")).toMatchObject({ status: 200, body: '{"ok":true}\n' });
    expect(ask("HEAD", "/v1/thing").status).toBe(200);
    expect(ask("POST", "/v1/act").status).toBe(202);
  });

  it("gives every request an id of its own", () => {
    ask("GET", "/v1/thing");
    ask("GET", "/v1/thing");
    const [a, b] = seen.slice(-2);
    expect(a).toMatch(/^[0-9a-f-]{36}$/);
    expect(a).not.toBe(b);
  });

  it("says which methods a path has", () => {
    const refused = ask("DELETE", "/v1/thing");
    expect([refused.status, refused.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect(codeOf(refused.body)).toBe("method_not_allowed");
    expect(ask("HEAD", "/v1/act").headers.allow).toBe("POST, OPTIONS");
    expect(ask("OPTIONS", "/v1/act")).toMatchObject({ status: 204, body: "", headers: { allow: "POST, OPTIONS" } });
  });

  it("finds what is below a path, one part deep", () => {
    expect(ask("DELETE", "/v1/thing/a-1")).toMatchObject({ status: 200, body: '{"path":"/v1/thing/a-1"}\n' });
    expect(ask("GET", "/v1/thing/a-1").headers.allow).toBe("DELETE, OPTIONS");
    expect(ask("DELETE", "/v1/thing/a/b").status).toBe(404);
  });

  it.each([
    { "content-length": "5, 6" },
    { "content-length": "5", "transfer-encoding": "chunked" },
    { "content-length": "x" },
  ])("refuses a request whose end could be read in two ways: %j", (headers) => {
    const { status, body, headers: answered } = ask("POST", "/v1/act", headers);
    expect([status, codeOf(body), answered.connection]).toEqual([400, "request_malformed", "close"]);
  });

  it("answers what a browser asks before it sends a page's request", () => {
    const asked = { origin: "https://app.test", "access-control-request-method": "POST" };
    expect(ask("OPTIONS", "/v1/act", asked)).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": "https://app.test",
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "authorization, content-type",
      },
    });
    expect(ask("OPTIONS", "/v1/act", { ...asked, origin: "https://evil.test" }).status).toBe(403);
  });

  it.each(["/", "/V1/thing", "/__proto__", "/toString", "//v1/thing", ""])("has nothing at %j", (path) => {
    const { status, body } = ask("GET", path);
    expect([status, codeOf(body)]).toEqual([404, "not_found"]);
  });

  it("decides who may ask before anything else, also whether there is such a path", () => {
    const foreign = { origin: "https://evil.test" };
    for (const path of ["/v1/thing", "/nowhere"]) {
      expect(codeOf(ask("GET", path, foreign).body)).toBe("origin_forbidden");
      expect(codeOf(ask("GET", path, { host: "evil.test" }).body)).toBe("host_forbidden");
      expect(ask("GET", path, foreign).headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(ask("GET", "/v1/thing", { host: "evil.test" }).status).toBe(421);
  });

  it("lets the page of an allowed origin read the answer, errors too", () => {
    for (const path of ["/v1/thing", "/nowhere"]) {
      expect(ask("GET", path, { origin: "https://app.test" }).headers).toMatchObject({
        "access-control-allow-origin": "https://app.test",
        vary: "origin",
      });
    }
    expect(ask("GET", "/v1/thing").headers["access-control-allow-origin"]).toBeUndefined();
  });
});
