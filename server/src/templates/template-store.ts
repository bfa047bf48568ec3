import { mkdir, stat } from "node:fs/promises";
import type { Engine, HostReport, Template } from "../../../native/engine.js";
import {
  type ArtefactOptions,
  type Artefacts,
  defaultHome,
  ensureArtefacts,
  freeBytesOnDisk,
  type HomeLayout,
  homeLayout,
  type Plan,
  type PlanStep,
  type Progress,
  planArtefacts,
  SetupError,
  silentProgress,
  withLock,
} from "../../../native/guest/build/index.js";
import { errorCode, ServerError } from "../errors.js";
import { BootProgress } from "./boot-progress.js";
import { PreloadWatch } from "./preload-watch.js";
import { listSnapshots, removeAbandoned, removeSnapshot, snapshotPath } from "./snapshot-files.js";
import { describeDifference, type TemplateInputs, templateKey } from "./template-key.js";

const STEP_TEMPLATE = "template";
/** Measured: a boot and its capture; kernel mode is emulated on kvm_pvm. */
const EXPECTED_BOOT_SECONDS = { kvm_pvm: 65, hardware: 6 } as const;
/** Beyond this a boot has failed, however slow the machine. */
const BOOT_TIMEOUT_MS = 600_000;
/** Of one template, for other CPUs, kernels and memory sizes; the oldest go. */
const MAX_SNAPSHOTS_KEPT = 8;
const SNAPSHOT_DISK_BYTES = 64 * 1024 * 1024;

/** Codes with which the engine refuses a snapshot as such. */
const UNUSABLE_SNAPSHOT = new Set(["template_corrupt", "template_mismatch", "template_missing"]);

export interface TemplateRequest {
  /** Name of a recipe. */
  readonly name: string;
  /** Guest memory, MiB; the recipe's own if undefined. */
  readonly memoryMb?: number | undefined;
  /** The folder of its recipe, which is not among the user's own yet. */
  readonly staged?: string | undefined;
  /** A vmlinux or bzImage in place of our kernel. */
  readonly kernelPath?: string | undefined;
  /** A snapshot file that is to be used as it is, or refused. */
  readonly snapshotPath?: string | undefined;
  /** Make it anew although it is there. */
  readonly rebuild?: boolean | undefined;
  readonly progress?: Progress | undefined;
  /** Stops the work; what is done so far is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes templates, keeps them as snapshots in the cache directory, and finds them again. */
export class TemplateStore {
  readonly layout: HomeLayout;
  readonly #engine: Engine;
  readonly #host: HostReport;

  /** @param host of `engine.probeHost()` */
  constructor(engine: Engine, host: HostReport, home: string = defaultHome()) {
    this.#engine = engine;
    this.#host = host;
    this.layout = homeLayout(home);
  }

  /**
   * The template, from its snapshot or, if there is none that fits, made and kept.
   * @throws SetupError, EngineError; ServerError `snapshot_refused`, `template_unknown`
   */
  async open(request: TemplateRequest): Promise<Template> {
    const { progress = silentProgress } = request;
    const artefactOptions = this.#artefactOptions(request);
    const plan = await planArtefacts(artefactOptions).catch(unknownTemplate);
    let planned = false;
    try {
      if (plan.steps.length > 0) {
        progress.plan(this.#withTemplate(plan));
        planned = true;
      }
      const artefacts = await ensureArtefacts(artefactOptions);
      if (request.snapshotPath !== undefined) return await this.#openGiven(request.snapshotPath, artefacts);
      const { inputs, path, label } = this.#place(request, artefacts);
      const found = request.rebuild === true ? undefined : await this.#load(path, artefacts, progress);
      if (found !== undefined) return found;
      if (!planned) {
        await this.#sayWhyRebuilt(request.name, path, inputs, progress);
        progress.plan(this.#withTemplate({ ...plan, freeBytes: await freeBytesOnDisk(this.layout.home) }));
      }
      return await this.#build({ ...request, progress }, artefacts, inputs, path, label);
    } finally {
      progress.done();
    }
  }

  /**
   * The snapshot that {@link open} would load, without making anything; undefined if something would have to be made.
   * @throws SetupError; ServerError `template_unknown`
   */
  async kept(request: TemplateRequest): Promise<string | undefined> {
    const artefactOptions = this.#artefactOptions(request);
    const plan = await planArtefacts(artefactOptions).catch(unknownTemplate);
    if (plan.steps.length > 0) return undefined;
    const { path } = this.#place(request, await ensureArtefacts(artefactOptions));
    return (await stat(path).catch(() => undefined)) === undefined ? undefined : path;
  }

  #artefactOptions(request: TemplateRequest): ArtefactOptions {
    return {
      home: this.layout.home,
      template: request.name,
      progress: request.progress ?? silentProgress,
      partOfPlan: true,
      ...(request.staged === undefined ? {} : { staged: request.staged }),
      ...(request.kernelPath === undefined ? {} : { kernelPath: request.kernelPath }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
  }

  #place(request: TemplateRequest, artefacts: Artefacts) {
    const { recipe } = artefacts;
    const inputs: TemplateInputs = {
      kernelDigest: artefacts.kernelDigest,
      rootDigest: artefacts.rootDigest,
      memoryMb: request.memoryMb ?? recipe.template.memoryMb,
      symbols: artefacts.symbols,
      warmupCells: [...recipe.template.warmupCells],
    };
    const key = templateKey(this.#host, inputs);
    return { inputs, path: snapshotPath(this.layout.templates, request.name, key), label: `${request.name}-${key}` };
  }

  /** Our own snapshot; undefined, said in one line, if it is not there or cannot be used. */
  async #load(path: string, artefacts: Artefacts, progress: Progress): Promise<Template | undefined> {
    if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
    try {
      return await this.#engine.load(path, artefacts.rootImagePath);
    } catch (error) {
      if (!UNUSABLE_SNAPSHOT.has(errorCode(error) ?? "")) throw error;
      progress.note(`the template is made anew: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #openGiven(path: string, artefacts: Artefacts): Promise<Template> {
    try {
      return await this.#engine.load(path, artefacts.rootImagePath);
    } catch (cause) {
      if (!UNUSABLE_SNAPSHOT.has(errorCode(cause) ?? "")) throw cause;
      throw new ServerError("snapshot_refused", `the snapshot ${path} cannot be used: ${messageOf(cause)}`, {
        remedy: "Leave --snapshot out to use a template made for this machine.",
        cause,
      });
    }
  }

  async #sayWhyRebuilt(name: string, path: string, inputs: TemplateInputs, progress: Progress): Promise<void> {
    const [newest] = (await listSnapshots(this.layout.templates, name)).filter((file) => file.path !== path);
    if (newest === undefined) return;
    let why: string;
    try {
      why = describeDifference(this.#engine.inspect(newest.path), this.#host, inputs) ?? "its inputs have changed";
    } catch (error) {
      why = messageOf(error);
    }
    progress.note(`the template kept from ${newest.modifiedAt.toISOString()} is not used: ${why}`);
  }

  #build(
    request: TemplateRequest & { readonly progress: Progress },
    artefacts: Artefacts,
    inputs: TemplateInputs,
    path: string,
    label: string,
  ): Promise<Template> {
    const { name, progress, signal } = request;
    const lock = { directory: this.layout.locks, name: label, doing: `making the template ${name}`, progress, signal };
    return withLock(lock, async () => {
      // Whoever held the lock may have made it meanwhile.
      const other = request.rebuild === true ? undefined : await this.#load(path, artefacts, progress);
      if (other !== undefined) return other;
      progress.step(STEP_TEMPLATE, this.#step.title);
      const template = await this.#boot(request, artefacts, inputs, label);
      try {
        await mkdir(this.layout.templates, { recursive: true });
        await template.save(path);
        await this.#removeSuperseded(name, path);
      } catch (error) {
        template.close();
        throw error;
      }
      return template;
    });
  }

  async #boot(
    request: TemplateRequest & { readonly progress: Progress },
    artefacts: Artefacts,
    inputs: TemplateInputs,
    label: string,
  ): Promise<Template> {
    const shown = new BootProgress(request.progress, this.#step.seconds * 1000);
    const { kernelPath, rootImagePath, recipe } = artefacts;
    const preloadMs = recipe.template.preload === undefined ? 0 : recipe.template.preloadSeconds * 1000;
    const options = { ...inputs, kernelPath, rootImagePath, label, timeoutMs: BOOT_TIMEOUT_MS + preloadMs };
    const preload = new PreloadWatch();
    const boot = this.#engine.boot(options, (text) => {
      shown.console(text);
      preload.console(text);
    });
    const abort = (): void => boot.abort();
    request.signal?.addEventListener("abort", abort, { once: true });
    try {
      return await boot.template;
    } catch (error) {
      if (request.signal?.aborted !== true) throw preloadFailure(request.name, preload, error);
      throw new SetupError("interrupted", "making the template was interrupted", {
        remedy: "Run the same command again.",
        cause: error,
      });
    } finally {
      request.signal?.removeEventListener("abort", abort);
      shown.stop();
    }
  }

  /**
   * Snapshots that this one takes the place of: the same template, for the same CPU and kernel. Those with another
   * kernel may be in use, with `--kernel` or without; there are only so many of them.
   */
  async #removeSuperseded(name: string, path: string): Promise<void> {
    await removeAbandoned(this.layout.templates);
    const { kernelDigest, memoryMb } = this.#engine.inspect(path);
    const others = (await listSnapshots(this.layout.templates, name)).filter((file) => file.path !== path);
    for (const [position, file] of others.entries()) {
      try {
        const info = this.#engine.inspect(file.path);
        const isSame =
          info.cpuDigest === this.#host.cpuDigest && info.memoryMb === memoryMb && info.kernelDigest === kernelDigest;
        if (!isSame && position + 1 < MAX_SNAPSHOTS_KEPT) continue;
      } catch {
        // A file that cannot be read is of no use to anybody.
      }
      await removeSnapshot(file);
    }
  }

  get #step(): PlanStep {
    return {
      id: STEP_TEMPLATE,
      title: "template: the guest booted once and frozen",
      downloadBytes: 0,
      seconds: EXPECTED_BOOT_SECONDS[this.#host.kind],
      diskBytes: SNAPSHOT_DISK_BYTES,
    };
  }

  #withTemplate(plan: Plan): Plan {
    return { ...plan, steps: [...plan.steps, this.#step] };
  }
}

function unknownTemplate(error: unknown): never {
  if (error instanceof SetupError && error.code === "recipe_invalid" && error.message.startsWith("unknown template")) {
    throw new ServerError("template_unknown", error.message, { remedy: error.remedy, cause: error });
  }
  throw error;
}

/** A boot that failed in the template's preload is told as that. */
function preloadFailure(name: string, { failure }: PreloadWatch, cause: unknown): unknown {
  if (failure === undefined) return cause;
  return new ServerError("preload_failed", `the preload of ${name} failed: ${failure.why}`, {
    console: failure.console,
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
