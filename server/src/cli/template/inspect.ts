import { stat } from "node:fs/promises";
import { findKernel, findRootImage, formatBytes } from "../../../../native/guest/build/index.js";
import { loadEngine, type TemplateInfo } from "../../../../native/index.js";
import { EXIT } from "../exit-codes.js";
import { describe, layout, print, snapshotsOf } from "./kept.js";

/** All that is known of a template's snapshots. @throws EngineError, ServerError `template_unknown` */
export async function inspect(which: string): Promise<number> {
  const isFile = which.includes("/") || (await stat(which).catch(() => undefined))?.isFile() === true;
  const paths = isFile ? [which] : (await snapshotsOf(which)).map((file) => file.path);
  for (const path of paths) {
    const info = loadEngine().inspect(path);
    const { blocks } = await stat(path);
    const lines = [...describe(info), `on disk       ${formatBytes(blocks * 512)}`, ...(await describeImage(info))];
    print([path, ...lines.map((line) => `  ${line}`)]);
  }
  return EXIT.ok;
}

/** What is known of the kernel and the image that a template was made with, while they are kept. */
async function describeImage({ rootDigest, kernelDigest }: TemplateInfo): Promise<string[]> {
  const kernel = await findKernel(layout(), kernelDigest);
  const source = kernel?.packages.find(({ name }) => name.startsWith("linux-source"));
  const from = source === undefined ? "no longer kept, or not one of ours" : `${source.name} ${source.version}`;
  return [`kernel from   ${from}`, ...(await describeRoot(rootDigest))];
}

async function describeRoot(rootDigest: string): Promise<string[]> {
  const image = await findRootImage(layout(), rootDigest);
  if (image === undefined) return ["image         no longer kept"];
  const packages = image.manifest.packages.map(({ name, version }) => `${name} ${version}`);
  return [
    `image         ${formatBytes(image.bytes)}, built ${image.manifest.builtAt}`,
    `packages      ${packages.length === 0 ? "none" : packages.join(", ")}`,
  ];
}
