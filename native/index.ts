/**
 * Loads the addon and gives it {@link Engine}'s face.
 *
 * One place tries the binary, and its error says what to do: a missing build, a wrong platform and a
 * missing library look alike from `dlopen`.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  BootOptions,
  Engine,
  EngineCounts,
  EngineTotals,
  HostReport,
  Template,
  TemplateInfo,
  Vm,
  VmHandlers,
} from "./engine.js";

export * from "./engine.js";

interface AddonTemplate extends Omit<Template, "fork"> {
  fork(handlers: VmHandlers): Vm;
}

interface Addon {
  probeHost(): HostReport;
  boot(options: BootOptions, onConsole?: (text: string) => void): { template: Promise<AddonTemplate>; abort(): void };
  load(path: string, rootImagePath: string): Promise<AddonTemplate>;
  inspect(path: string): TemplateInfo;
  counts(): EngineCounts;
  totals(): EngineTotals;
}

/** Thrown when the addon cannot be loaded. */
export class AddonMissingError extends Error {
  override readonly name = "AddonMissingError";
  readonly code = "addon_missing";
}

function addonPath(): string {
  // This file runs from native/ (tests, through a loader) or from dist/native/.
  const here = dirname(fileURLToPath(import.meta.url));
  const root = here.includes(`${join("dist", "native")}`) ? join(here, "..", "..") : join(here, "..");
  return join(root, "native", "build", "zeroboot.node");
}

function loadAddon(): Addon {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new AddonMissingError(
      `The engine runs on Linux x86-64 with KVM; this is ${process.platform} ${process.arch}. The client SDK works anywhere.`,
    );
  }
  try {
    return createRequire(import.meta.url)(addonPath()) as Addon;
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new AddonMissingError(
      `The engine's native module could not be loaded. Build it with "npm run build:native" (needs g++ and make).\n${detail}`,
      { cause },
    );
  }
}

// The addon calls these from native code, which must never see a JavaScript exception.
function trampolines(handlers: VmHandlers): VmHandlers {
  const guard = (body: () => void): void => {
    try {
      body();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
  return {
    onReady: (ready) => guard(() => handlers.onReady(ready)),
    onOutput: () => guard(() => handlers.onOutput()),
    onEnd: (end) => guard(() => handlers.onEnd(end)),
  };
}

// Replaces the addon's own fork by one that hands it trampolines; everything else is the object's own.
function withTrampolines(template: AddonTemplate): Template {
  const fork = template.fork.bind(template);
  Object.defineProperty(template, "fork", { value: (handlers: VmHandlers) => fork(trampolines(handlers)) });
  return template;
}

let engine: Engine | undefined;

/**
 * The process's engine. Loaded on first use; later calls return the same object.
 * @throws AddonMissingError
 */
export function loadEngine(): Engine {
  if (engine) return engine;
  const addon = loadAddon();
  engine = {
    probeHost: () => addon.probeHost(),
    boot(options, onConsole) {
      const boot = addon.boot(options, onConsole);
      return { template: boot.template.then(withTrampolines), abort: () => boot.abort() };
    },
    load: (path, rootImagePath) => addon.load(path, rootImagePath).then(withTrampolines),
    inspect: (path) => addon.inspect(path),
    counts: () => addon.counts(),
    totals: () => addon.totals(),
  };
  return engine;
}
