import { TextProgress } from "../../../../native/guest/build/index.js";
import { loadEngine } from "../../../../native/index.js";
import { loadConfig } from "../../config/config.js";
import { ServerError } from "../../errors.js";
import { onStopSignal } from "../../stop-signals.js";
import { type OwnTemplate, stageOwnTemplate } from "../../templates/own-template.js";
import { TemplateStore } from "../../templates/template-store.js";
import { EXIT } from "../exit-codes.js";
import { describe, known, print } from "./kept.js";

/** Options of `zeroboot template build`, as the command line has them. */
export interface BuildOptions {
  readonly all?: boolean;
  readonly name?: string;
  readonly from?: string;
  readonly packages?: string;
  readonly preload?: string;
  readonly preloadSeconds?: string;
  readonly rebuild?: boolean;
  readonly memoryMb?: string;
  readonly kernel?: string;
}

/** Make templates, one after the other, unless they are there. @throws EngineError, SetupError, ServerError */
export async function build(names: readonly string[], options: BuildOptions): Promise<number> {
  const { memoryMb, kernel } = options;
  const config = loadConfig(
    {
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(kernel === undefined ? {} : { kernel }),
    },
    {},
  );
  const own = ownTemplate(options, config.memoryMb, names);
  const wanted = own === undefined ? await wantedNames(names, options.all === true) : [own.name];
  const engine = loadEngine();
  const store = new TemplateStore(engine, engine.probeHost());
  const staged = own === undefined ? undefined : await stageOwnTemplate(store.layout, own);
  const stop = onStopSignal();
  const interrupt = new AbortController();
  void stop.received.then(() => interrupt.abort());
  try {
    for (const name of wanted) {
      const template = await store.open({
        name,
        staged: staged?.directory,
        // Of one's own it is the recipe's.
        memoryMb: own === undefined ? config.memoryMb : undefined,
        kernelPath: config.kernel,
        rebuild: options.rebuild,
        progress: new TextProgress(process.stderr),
        signal: interrupt.signal,
      });
      print(describe(template.info));
      template.close();
    }
    await staged?.publish();
    return EXIT.ok;
  } finally {
    await staged?.discard();
    stop.release();
  }
}

/** @throws ServerError `config_invalid` for options that do not go together */
function ownTemplate(
  { name, from, packages, preload, preloadSeconds, all }: BuildOptions,
  memoryMb: number | undefined,
  names: readonly string[],
): OwnTemplate | undefined {
  if (name === undefined) {
    if (from === undefined && packages === undefined && preload === undefined && preloadSeconds === undefined) return;
    throw new ServerError("config_invalid", "a template of your own needs a --name");
  }
  if (all === true || names.length > 0) throw new ServerError("config_invalid", "give either names or --name");
  if (preloadSeconds !== undefined && !/^[1-9]\d{0,2}$/.test(preloadSeconds)) {
    throw new ServerError("config_invalid", `--preload-seconds: expected 1 to 600, not ${preloadSeconds}`);
  }
  return {
    name,
    from,
    packages: (packages ?? "").split(",").flatMap((entry) => entry.trim() || []),
    preload,
    preloadSeconds: preloadSeconds === undefined ? undefined : Number(preloadSeconds),
    memoryMb,
  };
}

/** @throws ServerError `config_invalid`, `template_unknown` before anything is made */
async function wantedNames(names: readonly string[], all: boolean): Promise<readonly string[]> {
  const makeable = await known();
  if (all && names.length > 0) throw new ServerError("config_invalid", "give either names or --all");
  const unknown = names.find((name) => !makeable.includes(name));
  if (unknown !== undefined) {
    throw new ServerError("template_unknown", `unknown template ${JSON.stringify(unknown)}`, {
      remedy: `Templates that can be made: ${makeable.join(", ")}.`,
    });
  }
  if (all) return makeable;
  return names.length === 0 ? ["python"] : [...new Set(names)];
}
