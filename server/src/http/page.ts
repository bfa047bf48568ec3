import type { TransportRequest, TransportResponse } from "../transport/transport.js";
import type { PageFile } from "./page-files.js";
import { failure } from "./responses.js";
import type { Route } from "./router.js";

const YEAR_SECONDS = 31_536_000;

/**
 * The page runs what came with it and talks to where it came from; nothing is inline. Being isolated from other
 * origins, it also gets the finer of the browser's clocks.
 */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A route for every file of the page; without a build, one at `/` that says so. */
export function pageRoutes(files: readonly PageFile[] | undefined): Readonly<Record<string, Route>> {
  if (files === undefined) {
    return { "/": { methods: ["GET"], handle: (_, requestId) => failure("page_not_built", requestId) } };
  }
  return Object.fromEntries(
    files.map((file) => [file.path, { methods: ["GET"], handle: (request) => answer(file, request) }]),
  );
}

function answer(file: PageFile, request: TransportRequest): TransportResponse {
  const headers = {
    ...PAGE_HEADERS,
    etag: file.etag,
    "cache-control": file.immutable ? `public, max-age=${YEAR_SECONDS}, immutable` : "no-cache",
  };
  if (names(request.headers.get("if-none-match"), file.etag)) return { status: 304, headers, body: "" };
  return { status: 200, headers: { ...headers, "content-type": file.contentType }, body: file.body };
}

/** Whether an If-None-Match header has this ETag among its own. A proxy that compresses may have made it a weak one. */
function names(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((entry) => ["*", etag].includes(entry.trim().replace(/^W\//, "")));
}
