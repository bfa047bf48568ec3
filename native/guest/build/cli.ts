/** Build what guests need, by hand: `tsx native/guest/build/cli.ts [--template NAME] [--kernel PATH] [--refresh]`. */
import { parseArgs } from "node:util";
import { ensureArtefacts, SetupError, TextProgress } from "./index.js";

const { values } = parseArgs({
  options: {
    template: { type: "string", default: "python" },
    kernel: { type: "string" },
    refresh: { type: "boolean", default: false },
  },
});
const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => controller.abort());

try {
  const artefacts = await ensureArtefacts({
    template: values.template,
    refresh: values.refresh,
    progress: new TextProgress(),
    signal: controller.signal,
    ...(values.kernel === undefined ? {} : { kernelPath: values.kernel }),
  });
  const { recipe: _recipe, manifests: _manifests, ...boot } = artefacts;
  process.stdout.write(`${JSON.stringify(boot, null, 2)}\n`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n${error.remedy}\n`);
  process.exitCode = 1;
}
