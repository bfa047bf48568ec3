import { stat } from "node:fs/promises";
import { defaultHome, formatBytes, homeLayout, recipeNames, TextProgress } from "../../../native/guest/build/index.js";
import { type HostReport, loadEngine, type TemplateInfo } from "../../../native/index.js";
import { loadConfig } from "../config/config.js";
import { errorCode, ServerError } from "../errors.js";
import { onStopSignal } from "../stop-signals.js";
import { listSnapshots, removeSnapshot, type SnapshotFile } from "../templates/snapshot-files.js";
import { TemplateStore } from "../templates/template-store.js";
import { EXIT } from "./exit-codes.js";

/** Options of `zeroboot template build`, as the command line has them. */
export interface BuildOptions {
  readonly rebuild?: boolean;
  readonly memoryMb?: string;
  readonly kernel?: string;
}

/** Make a template, unless it is there. @throws EngineError, SetupError, ServerError */
export async function build(name: string, options: BuildOptions): Promise<number> {
  const { memoryMb, kernel } = options;
  const config = loadConfig(
    {
      template: name,
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(kernel === undefined ? {} : { kernel }),
    },
    {},
  );
  const engine = loadEngine();
  const stop = onStopSignal();
  const interrupt = new AbortController();
  void stop.received.then(() => interrupt.abort());
  try {
    const template = await new TemplateStore(engine, engine.probeHost()).open({
      name,
      memoryMb: config.memoryMb,
      kernelPath: config.kernel,
      rebuild: options.rebuild,
      progress: new TextProgress(process.stderr),
      signal: interrupt.signal,
    });
    print(describe(template.info));
    template.close();
    return EXIT.ok;
  } finally {
    stop.release();
  }
}

/** One line for each snapshot, and for each template that has none. */
export async function list(): Promise<number> {
  const files = await listSnapshots(homeLayout(defaultHome()).templates);
  const host = hostIfAny();
  for (const file of files) print([`${file.name}  ${summary(file, host)}`]);
  for (const name of await recipeNames()) {
    if (!files.some((file) => file.name === name)) print([`${name}  not made yet (zeroboot template build ${name})`]);
  }
  return EXIT.ok;
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
