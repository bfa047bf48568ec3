/** The tables of docs/dependencies.md: versions from the package files, digests from the check itself. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { type Sections, table } from "./sections.js";

const packageFile = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** Why each is there. A dependency without a reason fails the generation, and so does a reason without one. */
const REASONS: Readonly<Record<string, string>> = {
  commander: "The command line: flags, their environment variables, help.",
  limiter: "Token buckets, one for each key; answers without waiting, as a handshake needs it.",
  "lru-cache": "Bounds how many of them are remembered.",
  msgpackr: "msgpack, in its build without generated code, behind a scan of our own (client/src/protocol/prescan.ts).",
  "@modelcontextprotocol/server": "MCP: the official SDK, of which its second version has no web framework in it.",
  "@modelcontextprotocol/node": "Its end for node:http.",
  "prom-client": "Metrics in Prometheus' text format; the common library for it.",
  pino: "The log: one JSON object a line.",
  "uWebSockets.js": "HTTP and WebSocket; see below.",
  uuid: "Session and request ids (version 7, ordered by time).",
  ws: "The SDK's WebSocket in Node. Browsers bring their own.",
  zod: "Schemas of frames, configuration and files.",
  "@biomejs/biome": "Format and lint of TypeScript and JSON.",
  "@types/node": "Types of the oldest Node that is supported.",
  "@types/ws": "Types of ws.",
  esbuild: "Bundles the page in web-demo/. The version that tsx and Vite bring along, so that there is one.",
  acorn: "Parses cells in the guest's Node; here for the tests of that. The guest's own is in its recipe.",
  autocannon: "Load on the REST API, with every answer looked at.",
  "@types/autocannon": "Types of autocannon.",
  pngjs: "Decodes the PNGs that figures are shown as, to check them.",
  "@types/pngjs": "Types of pngjs.",
  "fast-check": "Tests of the protocol by generated input.",
  "node-addon-api": "The addon's C++ headers over Node-API.",
  "node-api-headers": "Node-API's C headers: nothing is fetched to compile, and one binary loads on every Node.",
  "playwright-core": "Drives Debian's Chromium in the test of the page. Brings no browser and fetches none.",
  tsx: "Runs TypeScript where a build would be in the way: the scripts of tests and docs.",
  typescript: "The compiler.",
  vitest: "The test runner.",
  "@seriousme/openapi-schema-validator": "Holds the OpenAPI document to the specification's own schema.",
  "@prometheus-io/lezer-promql": "Prometheus' own grammar of PromQL: the dashboard's queries are parsed with it.",
  "@lezer/common": "What that grammar runs on.",
  "@lezer/highlight": "The same.",
  "@lezer/lr": "The same.",
  ai: "The Vercel AI SDK: the tool for it is called by it, with a scripted model. Its last version for Node 20.",
  "@modelcontextprotocol/client": "Its client, which the test of `zeroboot mcp` is.",
  "kubernetes-models": "Kubernetes' schemas, as validators and as types: what the chart renders is held to both.",
  "@kubernetes-models/prometheus-operator": "The same for a ServiceMonitor.",
  yaml: "Reads what the chart renders. The version that others bring along.",
  "eventsource-parser": "Reads streams of events as clients do, in their test.",
  "parse-prometheus-text-format": "Reads metrics as a scraper would, in their test.",
};

export const DEPENDENCY_SECTIONS: Sections = {
  runtime: () => packages("dependencies"),
  development: () => packages("devDependencies"),
  "uws-digests": () => {
    const source = readText("server/src/transport/uws-module.ts");
    const pins = [...source.matchAll(/^ {2}"(uws_[\w.]+)": "([0-9a-f]{64})",$/gm)];
    if (pins.length === 0) throw new RangeError("uws-module.ts pins nothing that can be read");
    return table(
      ["file", "SHA-256"],
      pins.map(([, file = "", digest = ""]) => [`\`${file}\``, `\`${digest}\``]),
    );
  },
};

/** Names that have a reason, for the test that none is left over. */
export const REASONED_PACKAGES = Object.keys(REASONS);

/** What both packages depend on directly; the same version wherever both do. */
export function directDependencies(kind: "dependencies" | "devDependencies"): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of ["package.json", "client/package.json"]) {
    for (const [name, version] of Object.entries(packageFile.parse(JSON.parse(readText(path)))[kind])) {
      if ((found.get(name) ?? version) !== version) throw new RangeError(`${name} has two versions`);
      found.set(name, version);
    }
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}

function packages(kind: "dependencies" | "devDependencies"): string {
  return table(
    ["package", "version", "why"],
    [...directDependencies(kind)].map(([name, version]) => {
      const reason = REASONS[name];
      if (reason === undefined) throw new RangeError(`docs/generate/dependencies.ts gives no reason for ${name}`);
      return [`\`${name}\``, version.replace(/^npm:/, ""), reason];
    }),
  );
}

function readText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}
