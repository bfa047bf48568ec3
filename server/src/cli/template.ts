import { stat } from "node:fs/promises";
import {
  defaultHome,
  formatBytes,
  formatDuration,
  homeLayout,
  type PlanStep,
  planArtefacts,
  recipeNames,
  TextProgress,
} from "../../../native/guest/build/index.js";
import { type HostReport, loadEngine, type TemplateInfo } from "../../../native/index.js";
import { loadConfig } from "../config/config.js";
import { errorCode, ServerError } from "../errors.js";
import { onStopSignal } from "../stop-signals.js";
import { listSnapshots, removeSnapshot, type SnapshotFile } from "../templates/snapshot-files.js";
import { TemplateStore } from "../templates/template-store.js";
import { EXIT } from "./exit-codes.js";

/** Options of `zeroboot template build`, as the command line has them. */
export interface BuildOptions {
  readonly all?: boolean;
  readonly rebuild?: boolean;
  readonly memoryMb?: string;
  readonly kernel?: string;
}

/** Make templates, one after the other, unless they are there. @throws EngineError, SetupError, ServerError */
export async function build(names: readonly string[], options: BuildOptions): Promise<number> {
  const wanted = await wantedNames(names, options.all === true);
  const { memoryMb, kernel } = options;
  const config = loadConfig(
    {
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(kernel === undefined ? {} : { kernel }),
    },
    {},
  );
  const engine = loadEngine();
  const store = new TemplateStore(engine, engine.probeHost());
  const stop = onStopSignal();
  const interrupt = new AbortController();
  void stop.received.then(() => interrupt.abort());
  try {
    for (const name of wanted) {
      const template = await store.open({
        name,
        memoryMb: config.memoryMb,
        kernelPath: config.kernel,
        rebuild: options.rebuild,
        progress: new TextProgress(process.stderr),
        signal: interrupt.signal,
      });
      print(describe(template.info));
      template.close();
    }
    return EXIT.ok;
  } finally {
    stop.release();
  }
}

/** @throws ServerError `config_invalid`, `template_unknown` before anything is made */
async function wantedNames(names: readonly string[], all: boolean): Promise<readonly string[]> {
  const known = await recipeNames();
  if (all && names.length > 0) throw new ServerError("config_invalid", "give either names or --all");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ServerError("template_unknown", `unknown template ${JSON.stringify(unknown)}`, {
      remedy: `Templates that can be made: ${known.join(", ")}.`,
    });
  }
  if (all) return known;
  return names.length === 0 ? ["python"] : [...new Set(names)];
}

/** One line for each snapshot, and for each template that has none: what making it takes. */
export async function list(): Promise<number> {
  const files = await listSnapshots(homeLayout(defaultHome()).templates);
  const names = await recipeNames();
  const host = hostIfAny();
  const width = Math.max(...[...names, ...files.map((file) => file.name)].map((name) => name.length));
  for (const name of names) {
    const own = files.filter((file) => file.name === name);
    for (const file of own) print([`${name.padEnd(width)}  ${summary(file, host)}`]);
    if (own.length === 0) print([`${name.padEnd(width)}  ${await whatMakingTakes(name)}`]);
  }
  for (const file of files.filter(({ name }) => !names.includes(name))) {
    print([`${file.name.padEnd(width)}  ${summary(file, host)}, without a recipe`]);
  }
  return EXIT.ok;
}

async function whatMakingTakes(template: string): Promise<string> {
  const { steps } = await planArtefacts({ template });
  const command = `zeroboot template build ${template}`;
  if (steps.length === 0) return `not made yet, its image is there (${command})`;
  const sum = (pick: (step: PlanStep) => number): number => steps.reduce((total, step) => total + pick(step), 0);
  const duration = formatDuration(sum((step) => step.seconds));
  return `not made yet: about ${duration}, ${formatBytes(sum((step) => step.downloadBytes))} to download (${command})`;
}

/** All that a snapshot says of itself. @throws EngineError, ServerError `template_unknown` */
export async function inspect(which: string): Promise<number> {
  const isFile = which.includes("/") || (await stat(which).catch(() => undefined))?.isFile() === true;
  const paths = isFile ? [which] : (await snapshotsOf(which)).map((file) => file.path);
  for (const path of paths) print([path, ...describe(loadEngine().inspect(path)).map((line) => `  ${line}`)]);
  return EXIT.ok;
}

/** @throws ServerError `template_unknown` */
export async function remove(name: string): Promise<number> {
  for (const file of await snapshotsOf(name)) {
    await removeSnapshot(file);
    print([`removed ${file.path}`]);
  }
  return EXIT.ok;
}

async function snapshotsOf(name: string): Promise<SnapshotFile[]> {
  const files = await listSnapshots(homeLayout(defaultHome()).templates, name);
  if (files.length > 0) return files;
  throw new ServerError("template_unknown", `there is no template ${JSON.stringify(name)} on this machine`, {
    remedy: `Templates that can be made: ${(await recipeNames()).join(", ")}.`,
  });
}

function summary(file: SnapshotFile, host: HostReport | undefined): string {
  const kept = `${formatBytes(file.diskBytes)}, made ${file.modifiedAt.toISOString().slice(0, 16).replace("T", " ")}`;
  try {
    const info = loadEngine().inspect(file.path);
    const elsewhere = host !== undefined && (info.cpuDigest !== host.cpuDigest || info.hostKind !== host.kind);
    return `${info.runtime}, ${info.memoryMb} MiB, ${kept}${elsewhere ? ", for another kind of machine" : ""}`;
  } catch (error) {
    return `${kept}, unusable (${errorCode(error) ?? String(error)})`;
  }
}

function hostIfAny(): HostReport | undefined {
  try {
    return loadEngine().probeHost();
  } catch {
    return undefined;
  }
}

function describe(info: TemplateInfo): string[] {
  return [
    `label         ${info.label}`,
    `runtime       ${info.runtime}`,
    `memory        ${info.memoryMb} MiB, ${info.storedPages} pages with content, ${info.workingSetPages} in the working set`,
    `made          ${new Date(info.capturedAt).toISOString()}, booted in ${(info.bootMs / 1000).toFixed(1)} s`,
    `kernel        sha256 ${info.kernelDigest}`,
    `root image    sha256 ${info.rootDigest}`,
    `host          ${info.hostKind}, CPU ${info.cpuDigest}`,
    `engine ABI    ${info.engineAbi}`,
  ];
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
