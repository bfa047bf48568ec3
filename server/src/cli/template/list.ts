import {
  formatBytes,
  formatDuration,
  type PlanStep,
  planArtefacts,
  SetupError,
} from "../../../../native/guest/build/index.js";
import { type HostReport, loadEngine } from "../../../../native/index.js";
import { errorCode } from "../../errors.js";
import { listSnapshots, type SnapshotFile } from "../../templates/snapshot-files.js";
import { EXIT } from "../exit-codes.js";
import { known, layout, print } from "./kept.js";

/** One line for each snapshot, and for each template that has none: what making it takes. */
export async function list(): Promise<number> {
  const files = await listSnapshots(layout().templates);
  const names = await known();
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
  let steps: readonly PlanStep[];
  try {
    steps = (await planArtefacts({ template })).steps;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return `cannot be made: ${error.message} (${error.code})`;
  }
  const command = `zeroboot template build ${template}`;
  if (steps.length === 0) return `not made yet, its image is there (${command})`;
  const sum = (pick: (step: PlanStep) => number): number => steps.reduce((total, step) => total + pick(step), 0);
  const duration = formatDuration(sum((step) => step.seconds));
  return `not made yet: about ${duration}, ${formatBytes(sum((step) => step.downloadBytes))} to download (${command})`;
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
