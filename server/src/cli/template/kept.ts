/** What the commands of `zeroboot template` share: what is kept on this machine, and how it is told. */
import { defaultHome, type HomeLayout, homeLayout, recipeNames } from "../../../../native/guest/build/index.js";
import type { TemplateInfo } from "../../../../native/index.js";
import { ServerError } from "../../errors.js";
import { listSnapshots, type SnapshotFile } from "../../templates/snapshot-files.js";

export function layout(): HomeLayout {
  return homeLayout(defaultHome());
}

/** Names of all templates that can be made. */
export function known(): Promise<string[]> {
  return recipeNames({ directory: layout().recipes });
}

/** A template's snapshots, of which there is one at least. @throws ServerError `template_unknown` */
export async function snapshotsOf(name: string): Promise<SnapshotFile[]> {
  const files = await listSnapshots(layout().templates, name);
  if (files.length > 0) return files;
  throw new ServerError("template_unknown", `there is no template ${JSON.stringify(name)} on this machine`, {
    remedy: `Templates that can be made: ${(await known()).join(", ")}.`,
  });
}

export function describe(info: TemplateInfo): string[] {
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

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
