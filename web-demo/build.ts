/** `npm run build:web-demo`: the page's files, with their content's hash in their names, into dist/web-demo. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCE = fileURLToPath(new URL(".", import.meta.url));
const OUTPUT = fileURLToPath(new URL("../dist/web-demo", import.meta.url));
/** What index.html refers to. */
const ENTRIES = ["src/page.ts", "style.css", "icon.svg"];

rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT, { recursive: true });
const { metafile } = await build({
  absWorkingDir: SOURCE,
  entryPoints: ENTRIES,
  outdir: OUTPUT,
  entryNames: "assets/[name]-[hash]",
  loader: { ".svg": "copy" },
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  logLevel: "warning",
});

const made = new Map(
  Object.entries(metafile.outputs).map(([path, { entryPoint, inputs }]) => [
    entryPoint ?? Object.keys(inputs)[0],
    relative(OUTPUT, fileURLToPath(new URL(path, `file://${SOURCE}`))),
  ]),
);
let page = readFileSync(`${SOURCE}index.html`, "utf8");
for (const entry of ENTRIES) {
  const name = made.get(entry);
  if (name === undefined || !page.includes(`"${entry}"`)) throw new RangeError(`${entry} is not in the page`);
  page = page.replace(`"${entry}"`, `"${name}"`);
}
writeFileSync(`${OUTPUT}/index.html`, page);
// The server takes what this list names, and without it nothing.
writeFileSync(`${OUTPUT}/files.json`, `${JSON.stringify(["index.html", ...made.values()], null, 2)}\n`);
