import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { HostPolicy } from "../../../../server/src/access/host-policy.js";
import { pageRoutes } from "../../../../server/src/http/page.js";
import { readPageFiles } from "../../../../server/src/http/page-files.js";
import { createRouter } from "../../../../server/src/http/router.js";
import { atOnce, request } from "../request.js";
import { rawRequest } from "../transport/raw-http.js";
import { listen } from "../transport/server.js";

const SCRIPT = "/assets/page-0123ABCD.js";
const BODIES: Readonly<Record<string, string>> = {
  "index.html": "<!doctype html><p>é",
  "assets/page-0123ABCD.js": "run()",
  "assets/style-0123ABCD.css": "p{}",
  "assets/icon-0123ABCD.svg": "<svg/>",
};

const scratch = mkdtempSync(join(tmpdir(), "zeroboot-page-"));
const built = join(scratch, "page");
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function write(names: unknown): void {
  writeFileSync(join(built, "files.json"), JSON.stringify(names));
}

beforeEach(() => {
  rmSync(built, { recursive: true, force: true });
  mkdirSync(join(built, "assets"), { recursive: true });
  for (const [name, body] of Object.entries(BODIES)) writeFileSync(join(built, name), body);
  writeFileSync(join(built, "assets/other-0123ABCD.js"), "not of the list");
  writeFileSync(join(scratch, "secret"), "secret");
  write(Object.keys(BODIES));
});

const route = () => createRouter(new HostPolicy([], []), pageRoutes(readPageFiles(built)));
const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  atOnce(route()(request(headers, { path, method })));
const codeOf = (body: string): unknown => (JSON.parse(body) as { code: unknown }).code;

describe("the page's files", () => {
  it.each([
    ["/", "index.html", "text/html; charset=utf-8", "no-cache"],
    [SCRIPT, "assets/page-0123ABCD.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/assets/style-0123ABCD.css", "assets/style-0123ABCD.css", "text/css; charset=utf-8", /immutable/],
    ["/assets/icon-0123ABCD.svg", "assets/icon-0123ABCD.svg", "image/svg+xml", /immutable/],
  ])("are served at %s", (path, name, type, caching) => {
    const { status, headers, body } = get(path);
    expect([status, body, headers["content-type"]]).toEqual([200, BODIES[name], type]);
    expect(headers["cache-control"]).toMatch(caching);
    expect(headers.etag).toMatch(/^"[\w-]{22}"$/);
  });

  it("may load and connect to nothing but their own server, and run nothing inline", () => {
    for (const path of ["/", SCRIPT]) {
      expect(get(path).headers).toMatchObject({
        "content-security-policy":
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      });
    }
  });

  it.each([
    ["the same", (etag: string) => etag],
    ["the same, weakly", (etag: string) => `W/${etag}`],
    ["one of several", (etag: string) => `"a", ${etag}`],
    ["any", () => "*"],
  ])("are not sent again to who has %s", (_, header) => {
    const { etag = "" } = get(SCRIPT).headers;
    const again = get(SCRIPT, { "if-none-match": header(etag) });
    expect([again.status, again.body, again.headers.etag]).toEqual([304, "", etag]);
    expect(again.headers["content-type"]).toBeUndefined();
    expect(again.headers["content-security-policy"]).toBeDefined();
  });

  it("are sent to who has another", () => {
    expect(get("/", { "if-none-match": '"another"' })).toMatchObject({ status: 200, body: BODIES["index.html"] });
  });

  it.each([
    "/index.html",
    "/files.json",
    "/assets/",
    "/assets",
    "/assets/other-0123ABCD.js",
    "/assets/page-0123ABCD.js/",
    "/../secret",
    "/assets/../../secret",
    "/assets/..%2f..%2fsecret",
    "/%2e%2e/secret",
    "//secret",
    "/assets/page-0123ABCD.js%00",
  ])("are all there is: nothing at %s", (path) => {
    const { status, body } = get(path);
    expect([status, codeOf(body)]).toEqual([404, "not_found"]);
  });

  it("are read by the same hosts and origins as the rest, and only read", () => {
    expect(codeOf(get("/", { host: "evil.test" }).body)).toBe("host_forbidden");
    expect(codeOf(get(SCRIPT, { origin: "https://evil.test" }).body)).toBe("origin_forbidden");
    expect(get("/", {}, "POST")).toMatchObject({ status: 405, headers: { allow: "GET, HEAD, OPTIONS" } });
  });

  it("are missed with a word when there is no build", () => {
    const router = createRouter(new HostPolicy([], []), pageRoutes(undefined));
    const { status, body } = atOnce(router(request({}, { path: "/" })));
    expect([status, codeOf(body)]).toEqual([404, "page_not_built"]);
  });
});

describe("a build that cannot be served", () => {
  it.each([
    ["has no list", () => rmSync(join(built, "files.json"))],
    ["has a list that is none", () => write({ page: "index.html" })],
    ["has no page", () => write(["assets/page-0123ABCD.js"])],
    ["names a file elsewhere", () => write(["index.html", "../secret"])],
    ["names a file without its hash", () => write(["index.html", "assets/page.js"])],
    ["names a file that is not there", () => write(["index.html", "assets/page-99999999.js"])],
    ["names too many", () => write(["index.html", ...Array(20).fill("assets/page-0123ABCD.js")])],
    ["is too large", () => truncateSync(join(built, "index.html"), 3 * 1024 * 1024)],
  ])("is refused: it %s", (_, spoil) => {
    spoil();
    expect(() => readPageFiles(built)).toThrow();
  });
});

describe("the page's files over HTTP", () => {
  let port: number;
  beforeEach(async () => {
    const onRequest = route();
    ({ port } = await listen({
      onRequest,
      onUpgrade: () => ({ accept: false, response: atOnce(onRequest(request())) }),
    }));
  });

  it("come with their length, and to HEAD with it alone", async () => {
    const body = BODIES["index.html"] ?? "";
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
    expect(await response.text()).toBe(body);
    const head = await rawRequest(port, ["HEAD / HTTP/1.1", "Host: localhost"]);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head.match(/^content-length: .*$/gim)).toEqual([`content-length: ${Buffer.byteLength(body)}`]);
    expect(head.split("\r\n\r\n")[1]).toBe("");
  });

  it("are confirmed without a body or a length, and the connection goes on", async () => {
    const etag = get(SCRIPT).headers.etag;
    const ask = (method: string) => [`${method} ${SCRIPT} HTTP/1.1`, "Host: localhost", `If-None-Match: ${etag}`, ""];
    const answer = await rawRequest(
      port,
      [...ask("GET"), ...ask("HEAD"), `GET ${SCRIPT} HTTP/1.1`, "Host: localhost"],
      /run\(\)/,
    );
    expect(answer.match(/^HTTP\/1\.1 .*$/gm)).toEqual([
      "HTTP/1.1 304 Not Modified",
      "HTTP/1.1 304 Not Modified",
      "HTTP/1.1 200 OK",
    ]);
    expect(answer.match(/^content-length: .*$/gim)).toEqual(["Content-Length: 5"]);
  });

  it("cannot be left by a path a client has not cleaned up", async () => {
    for (const path of ["/../secret", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret"]) {
      expect(await rawRequest(port, [`GET ${path} HTTP/1.1`, "Host: localhost"], /\}\n$/)).toMatch(/^HTTP\/1\.1 404 /);
    }
  });
});
