import type { Engine, HostReport, TemplateInfo } from "../../native/engine.js";
import { ensureArtefacts, type Progress } from "../../native/guest/build/index.js";
import { listSnapshots } from "../../server/src/templates/snapshot-files.js";
import { TemplateStore } from "../../server/src/templates/template-store.js";
import { BenchError } from "./errors.js";
import type { Samples } from "./samples.js";

/** What is forked where nothing else is said. */
export const TEMPLATE = "python";

export interface BenchTemplate {
  readonly info: TemplateInfo;
  readonly snapshotPath: string;
  readonly rootImagePath: string;
}

/**
 * A template as `zeroboot exec` would find or make it.
 * @param rebuildFigure make it anew and measure that under this name: the boot, its capture and the snapshot on disk
 * @throws SetupError, EngineError, ServerError, BenchError
 */
export async function openTemplate(
  engine: Engine,
  host: HostReport,
  name: string,
  rebuildFigure: string | undefined,
  samples: Samples,
  progress: Progress,
  signal: AbortSignal,
): Promise<BenchTemplate> {
  // Kernel and root image are there before the clock starts.
  const { rootImagePath } = await ensureArtefacts({ template: name, progress, signal });
  const store = new TemplateStore(engine, host);
  const start = performance.now();
  const template = await store.open({ name, rebuild: rebuildFigure !== undefined, progress, signal });
  if (rebuildFigure !== undefined) samples.add(rebuildFigure, [(performance.now() - start) * 1000], 1);
  const { info } = template;
  template.close();
  const files = await listSnapshots(store.layout.templates, name);
  const file = files.find((of) => `${of.name}-${of.key}` === info.label);
  if (file === undefined) throw new BenchError(`the snapshot ${info.label} is gone again`);
  return { info, snapshotPath: file.path, rootImagePath };
}
