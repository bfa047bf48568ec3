import { existsSync } from "node:fs";
import { appendFile, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { archiveName } from "../apt/packages.js";
import { AptRoot } from "../apt/root.js";
import { type CommandOptions, run } from "../command.js";
import type { BuildContext } from "../context.js";
import { digestParts, shortKey } from "../digest.js";
import { fileError, SetupError } from "../errors.js";
import { packageRoot } from "../home.js";
import { tryLock } from "../lock.js";
import { manifestPackages } from "../manifest.js";
import { type Progress, partOf, silentProgress } from "../progress.js";
import { ArtefactStore, freshDirectory, type StoredArtefact, writeManifest } from "../store.js";
import { KERNEL_TOOLS } from "../tools/spec.js";
import { requireCompiler, type Toolchain, toolchain } from "../tools/toolchain.js";
import { CompileProgress } from "./compile-progress.js";
import { requireConfig } from "./config.js";
import { editSources, SOURCE_EDITS } from "./source-edits.js";
import { kernelSymbols, SYMBOLS } from "./symbols.js";

/** Raise when the code below makes another kernel from the same sources and fragment. */
const KERNEL_BUILD_VERSION = "1";
export const KERNEL_IMAGE = "vmlinux";
const SOURCE_PACKAGE = "linux-source-6.1";
const FRAGMENT = "native/guest/kernel/guest.config";
/** Fixed, so that equal sources give equal kernels. */
const REPRODUCIBLE = {
  KBUILD_BUILD_TIMESTAMP: "Thu Jan  1 00:00:00 UTC 2026",
  KBUILD_BUILD_USER: "zeroboot",
  KBUILD_BUILD_HOST: "zeroboot",
  KBUILD_BUILD_VERSION: "1",
};
/**
 * Parts of the source for hardware no virtual machine has, and texts and tests: half of the disk
 * it would take. Kconfig files and Makefiles stay.
 */
const NOT_UNPACKED = [
  "*/Documentation/*.rst",
  "*/Documentation/*.yaml",
  "*/Documentation/*.txt",
  "*/Documentation/*.svg",
  "*/drivers/gpu/drm/*.[ch]",
  "*/drivers/infiniband/*.[ch]",
  "*/drivers/media/*.[ch]",
  "*/drivers/net/ethernet/*.[ch]",
  "*/drivers/net/wireless/*.[ch]",
  "*/drivers/staging/*.[ch]",
  "*/sound/*.[ch]",
  "*/tools/perf/*",
  "*/tools/testing/*",
];

/** Digest of everything of ours that determines the kernel. */
export async function kernelRequest(): Promise<string> {
  const fragment = await readFile(join(packageRoot(), FRAGMENT));
  const edits = JSON.stringify(SOURCE_EDITS);
  return shortKey(digestParts({ fragment, edits, package: SOURCE_PACKAGE, version: KERNEL_BUILD_VERSION }));
}

/** Where the kernel of a request is compiled. Kept when interrupted: the next run goes on in it. */
export function kernelWork(workDirectory: string, request: string): string {
  return join(workDirectory, `kernel-${request}`);
}

/**
 * Make the guest's kernel. The caller holds its lock and has found it missing.
 * @throws SetupError
 */
export async function buildKernel(request: string, context: BuildContext): Promise<StoredArtefact> {
  const { layout, progress } = context;
  const store = new ArtefactStore(layout.kernel);
  await removeOtherTrees(request, context);
  const compiler = await requireCompiler(context);
  const tools = await toolchain(KERNEL_TOOLS, new AptRoot(context), context);
  const fragment = await readFile(join(packageRoot(), FRAGMENT), "utf8");
  const work = kernelWork(layout.work, request);
  const tree = join(work, "tree");
  const builder = new KernelTree(tree, tools, context);

  const apt = new AptRoot({ ...context, progress: partOf(progress, 0, 0.05) });
  const source = await apt.find([SOURCE_PACKAGE]);
  const key = shortKey(
    digestParts({
      request,
      compiler,
      tools: tools.fetched.join("\n"),
      packages: source.map((of) => of.sha256).join("\n"),
    }),
  );
  const existing = await store.find(key);
  if (existing !== undefined) {
    await store.answer(request, key);
    return existing;
  }
  // A tree of other sources, or by another compiler, must not be gone on with.
  const stamp = join(work, "key");
  if ((await readFile(stamp, "utf8").catch(() => "")) !== key) {
    await freshDirectory(work);
    await writeFile(stamp, key).catch((error: unknown) => {
      throw fileError(error, `writing ${stamp}`);
    });
  }
  if (!builder.unpacked) {
    await apt.use(
      [SOURCE_PACKAGE],
      (all) => all.filter((of) => of.name === SOURCE_PACKAGE),
      async (fetched) => {
        if (fetched.packages[0]?.sha256 !== source[0]?.sha256) throw changedUnderway();
        const [archive] = fetched.archives;
        if (archive === undefined) throw new RangeError(`no file for ${archiveName}`);
        await builder.unpack(archive, join(work, "package"), apt);
        await apt.forget(fetched.packages);
      },
    );
  }
  await builder.configure(fragment);
  await builder.compile(partOf(progress, 0.1, 1));

  const output = await freshDirectory(join(work, "output"));
  const image = join(output, KERNEL_IMAGE);
  await copyFile(join(tree, "vmlinux"), image);
  await run("strip", ["--strip-debug", image], builder.options);
  await copyFile(join(tree, ".config"), join(output, "config"));
  const symbols = await kernelSymbols(image);
  const stored = await store.publish(output, {
    format: 1,
    kind: "kernel",
    key,
    request,
    title: `${SOURCE_PACKAGE} ${source[0]?.version ?? ""}`,
    builtAt: new Date().toISOString(),
    packages: manifestPackages(source),
    compiler,
    fetchedTools: tools.fetched,
    symbols,
  });
  await rm(work, { recursive: true, force: true });
  return stored;
}

/** The same kernel, its manifest listing all symbols the engine asks for now: that takes no compiling. */
export async function withSymbols(kernel: StoredArtefact): Promise<StoredArtefact> {
  if (SYMBOLS.every((name) => name in kernel.manifest.symbols)) return kernel;
  const symbols = await kernelSymbols(join(kernel.directory, KERNEL_IMAGE));
  const manifest = { ...kernel.manifest, symbols };
  await writeManifest(kernel.directory, manifest);
  return { ...kernel, manifest };
}

/** Trees of earlier requests that nobody builds in any more: each is most of a gigabyte. */
async function removeOtherTrees(request: string, context: BuildContext): Promise<void> {
  const { layout } = context;
  for (const name of await readdir(layout.work).catch(() => [])) {
    if (!name.startsWith("kernel-") || name === `kernel-${request}`) continue;
    const lock = { directory: layout.locks, name, doing: "removing an old kernel tree", progress: silentProgress };
    await tryLock(lock, () => rm(join(layout.work, name), { recursive: true, force: true }));
  }
}

function changedUnderway(): SetupError {
  return new SetupError("package_missing", `${SOURCE_PACKAGE} changed in the package lists while it was fetched`, {
    remedy: "Run the same command again.",
  });
}

/** A kernel source tree and what is done in it; every stage that is done leaves a mark. */
class KernelTree {
  readonly options: CommandOptions;
  readonly #tree: string;
  readonly #tools: Toolchain;
  readonly #context: BuildContext;

  constructor(tree: string, tools: Toolchain, context: BuildContext) {
    this.#tree = tree;
    this.#tools = tools;
    this.#context = context;
    this.options = {
      env: { ...tools.env, ...REPRODUCIBLE },
      log: context.log,
      signal: context.signal,
      holdFd: context.holdFd,
    };
  }

  get unpacked(): boolean {
    return existsSync(this.#mark("unpacked"));
  }

  async unpack(archive: string, scratch: string, apt: AptRoot): Promise<void> {
    const progress = partOf(this.#context.progress, 0.05, 0.1);
    progress.update(0, "unpacking the sources");
    await freshDirectory(this.#tree);
    await freshDirectory(scratch);
    await apt.unpack(archive, scratch);
    let members = 0;
    await run(
      "tar",
      [
        "--extract",
        "--xz",
        `--file=${join(scratch, `usr/src/${SOURCE_PACKAGE}.tar.xz`)}`,
        `--directory=${this.#tree}`,
        "--strip-components=1",
        "--no-same-owner",
        "--wildcards",
        ...NOT_UNPACKED.map((pattern) => `--exclude=${pattern}`),
        "--checkpoint=20000",
        "--checkpoint-action=echo=%u",
      ],
      {
        ...this.options,
        onLine: () => {
          members += 1;
          progress.update(members / EXPECTED_CHECKPOINTS, "unpacking the sources");
        },
      },
    );
    await rm(scratch, { recursive: true, force: true });
    await editSources(this.#tree);
    await writeFile(this.#mark("unpacked"), "");
  }

  async configure(fragment: string): Promise<void> {
    if (existsSync(this.#mark("configured"))) return;
    this.#context.progress.update(0.1, "configuring");
    await this.#make(["tinyconfig"]);
    await appendFile(join(this.#tree, ".config"), `\n${fragment}`);
    await this.#make(["olddefconfig"]);
    requireConfig(fragment, await readFile(join(this.#tree, ".config"), "utf8"));
    await writeFile(this.#mark("configured"), "");
  }

  async compile(progress: Progress): Promise<void> {
    await mkdir(this.#tree, { recursive: true });
    const compiled = new CompileProgress(this.#mark("lines"), progress);
    try {
      await this.#make([`-j${availableParallelism()}`, KERNEL_IMAGE], (line) => compiled.line(line));
    } finally {
      compiled.save();
    }
  }

  async #make(args: readonly string[], onLine?: (line: string) => void): Promise<void> {
    await run("make", ["ARCH=x86_64", ...this.#tools.makeVariables, ...args], {
      ...this.options,
      cwd: this.#tree,
      ...(onLine === undefined ? {} : { onLine }),
    });
  }

  #mark(name: string): string {
    return join(this.#tree, `.zeroboot-${name}`);
  }
}

/** Lines tar prints while it unpacks the sources. */
const EXPECTED_CHECKPOINTS = 70;
