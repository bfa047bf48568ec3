import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { KernelSymbols } from "../../engine.js";
import { type FreeBytes, freeBytesOnDisk, requireFreeSpace } from "./disk.js";
import { throwIfAborted } from "./errors.js";
import { defaultHome, type HomeLayout, homeLayout } from "./home.js";
import { buildKernel, KERNEL_IMAGE, kernelRequest, kernelWork, withSymbols } from "./kernel/artefact.js";
import { givenKernel } from "./kernel/given.js";
import { symbolAddresses } from "./kernel/symbols.js";
import { lockedBuild } from "./locked-build.js";
import type { Manifest } from "./manifest.js";
import { type Plan, type PlanStep, type Progress, silentProgress } from "./progress.js";
import { buildRoot, ROOT_IMAGE, rootRequest } from "./root/artefact.js";
import { type LoadedRecipe, loadRecipe, type Recipe } from "./root/recipe.js";
import { ArtefactStore, type StoredArtefact } from "./store.js";

export interface ArtefactOptions {
  /** The cache directory. @default {@link defaultHome} */
  home?: string;
  /** Name of a recipe. @default "python" */
  template?: string;
  /** The folder of this recipe, which is not among the user's own yet. */
  staged?: string;
  /** A vmlinux or bzImage to use in place of our kernel. */
  kernelPath?: string;
  /** Build again from the package servers' current versions, even if everything is there. @default false */
  refresh?: boolean;
  /** @default {@link silentProgress} */
  progress?: Progress;
  /**
   * The caller has announced a plan that contains these steps and goes on with its own: neither
   * announce it again nor call `done()`. @default false
   */
  partOfPlan?: boolean;
  /** Stops the work; what is done so far is kept and gone on with next time. */
  signal?: AbortSignal;
  /** For tests. @default the real disk */
  freeBytes?: FreeBytes;
}

/** What booting a guest needs. */
export interface Artefacts {
  kernelPath: string;
  /** SHA-256, hex. */
  kernelDigest: string;
  symbols: KernelSymbols;
  rootImagePath: string;
  /** SHA-256, hex. */
  rootDigest: string;
  recipe: Recipe;
  manifests: { kernel: Manifest | undefined; root: Manifest };
}

/** Ids of the steps in a plan of {@link planArtefacts}. */
export const STEP_KERNEL = "kernel";
export const STEP_ROOT = "root";

const MEBI = 1024 * 1024;
/** Measured on two cores; compiling scales with the cores, unpacking does not. */
const KERNEL_COST = { downloadMb: 145, compileCoreSeconds: 600, otherSeconds: 45, diskMb: 1400 };

/** What was found and what is wanted. */
interface Survey {
  layout: HomeLayout;
  loaded: LoadedRecipe;
  kernelRequest: string;
  rootRequest: string;
  kernel: StoredArtefact | undefined;
  root: StoredArtefact | undefined;
}

/**
 * What has to be made before a template's guests can boot; no steps when all is there. Reads a
 * few small files, asks neither apt nor the network.
 * @throws SetupError `recipe_invalid`, `home_unusable`
 */
export async function planArtefacts(options: ArtefactOptions = {}): Promise<Plan> {
  return planOf(await survey(options), options);
}

/**
 * Make what is missing and say where everything is. Announces the plan to `progress`, then each
 * step; calls `done()` in the end if there were any.
 * @throws SetupError with any of its codes; running again goes on where it stopped
 */
export async function ensureArtefacts(options: ArtefactOptions = {}): Promise<Artefacts> {
  const { progress = silentProgress, signal } = options;
  throwIfAborted(signal);
  const given = options.kernelPath === undefined ? undefined : await givenKernel(options.kernelPath);
  const found = await survey(options);
  const plan = await planOf(found, options);
  let { kernel, root } = found;
  if (plan.steps.length > 0) {
    if (options.partOfPlan !== true) progress.plan(plan);
    requireFreeSpace(found.layout.home, plan.freeBytes, resumableBytes(found));
    try {
      for (const step of plan.steps) {
        progress.step(step.id);
        if (step.id === STEP_ROOT) root = await makeRoot(found, options, progress);
        else kernel = await makeKernel(found, options, progress);
      }
    } finally {
      if (options.partOfPlan !== true) progress.done();
    }
  }
  if (root === undefined) throw new TypeError("no root image after building it");
  if (given === undefined && kernel !== undefined) kernel = await withSymbols(kernel);
  const kernelFile = kernel?.manifest.files[KERNEL_IMAGE];
  const rootFile = root.manifest.files[ROOT_IMAGE];
  if (rootFile === undefined) throw new TypeError("the root image's manifest does not list it");
  if (given === undefined && (kernel === undefined || kernelFile === undefined))
    throw new TypeError("no kernel after building it");
  return {
    kernelPath: given?.path ?? join(kernel?.directory ?? "", KERNEL_IMAGE),
    kernelDigest: given?.digest ?? kernelFile?.sha256 ?? "",
    symbols: given?.symbols ?? symbolAddresses(kernel?.manifest.symbols ?? {}),
    rootImagePath: join(root.directory, ROOT_IMAGE),
    rootDigest: rootFile.sha256,
    recipe: found.loaded.recipe,
    manifests: { kernel: given === undefined ? kernel?.manifest : undefined, root: root.manifest },
  };
}

async function survey(options: ArtefactOptions): Promise<Survey> {
  const layout = homeLayout(options.home ?? defaultHome());
  const own = { directory: layout.recipes, ...(options.staged === undefined ? {} : { staged: options.staged }) };
  const loaded = await loadRecipe(options.template ?? "python", own);
  const [forKernel, forRoot] = await Promise.all([kernelRequest(), rootRequest(loaded)]);
  const [kernel, root] = await Promise.all([
    new ArtefactStore(layout.kernel).findByRequest(forKernel),
    new ArtefactStore(layout.root).findByRequest(forRoot),
  ]);
  return { layout, loaded, kernelRequest: forKernel, rootRequest: forRoot, kernel, root };
}

async function planOf(found: Survey, options: ArtefactOptions): Promise<Plan> {
  const steps: PlanStep[] = [];
  const { cost, title } = found.loaded.recipe;
  if (found.root === undefined || options.refresh === true) {
    steps.push({
      id: STEP_ROOT,
      title: `root image: ${title}`,
      downloadBytes: cost.downloadMb * MEBI,
      seconds: cost.seconds,
      diskBytes: cost.diskMb * MEBI,
    });
  }
  if (options.kernelPath === undefined && (found.kernel === undefined || options.refresh === true)) {
    steps.push({
      id: STEP_KERNEL,
      title: "guest kernel, compiled from Debian's sources",
      downloadBytes: resumableBytes(found) > 0 ? 0 : KERNEL_COST.downloadMb * MEBI,
      seconds: KERNEL_COST.otherSeconds + KERNEL_COST.compileCoreSeconds / availableParallelism(),
      diskBytes: KERNEL_COST.diskMb * MEBI,
    });
  }
  const home = found.layout.home;
  const freeBytes = steps.length === 0 ? Number.POSITIVE_INFINITY : await (options.freeBytes ?? freeBytesOnDisk)(home);
  return { home, steps, freeBytes };
}

/** Disk that an interrupted kernel build holds already and the next run goes on with. */
function resumableBytes(found: Survey): number {
  return existsSync(join(kernelWork(found.layout.work, found.kernelRequest), "tree/.zeroboot-unpacked"))
    ? KERNEL_COST.diskMb * MEBI
    : 0;
}

function makeRoot(found: Survey, options: ArtefactOptions, progress: Progress): Promise<StoredArtefact> {
  const { name } = found.loaded.recipe;
  const names = { lock: `root-${name}`, log: `root-${name}`, doing: `building the root image ${name}` };
  return lockedBuild(found.layout, { ...names, ...terms(options), progress }, async (context) => {
    const other =
      options.refresh === true
        ? undefined
        : await new ArtefactStore(found.layout.root).findByRequest(found.rootRequest);
    return other ?? buildRoot(found.loaded, found.rootRequest, context);
  });
}

function makeKernel(found: Survey, options: ArtefactOptions, progress: Progress): Promise<StoredArtefact> {
  const names = { lock: `kernel-${found.kernelRequest}`, log: "kernel", doing: "building the guest kernel" };
  return lockedBuild(found.layout, { ...names, ...terms(options), progress }, async (context) => {
    const other =
      options.refresh === true
        ? undefined
        : await new ArtefactStore(found.layout.kernel).findByRequest(found.kernelRequest);
    return other ?? buildKernel(found.kernelRequest, context);
  });
}

function terms({ signal, refresh = false }: ArtefactOptions): { signal: AbortSignal | undefined; refresh: boolean } {
  return { signal, refresh };
}
