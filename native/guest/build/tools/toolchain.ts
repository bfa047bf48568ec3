import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AptRoot, type Fetched, systemPath } from "../apt/root.js";
import { buildEnvironment, run } from "../command.js";
import type { BuildContext } from "../context.js";
import { digestParts, shortKey } from "../digest.js";
import { SetupError } from "../errors.js";
import { publishDirectory } from "../publish.js";
import { freshDirectory } from "../store.js";
import { TOOLS, type ToolName } from "./spec.js";
import { writeWrappers } from "./wrappers.js";

/** Raise when what {@link writeWrappers} writes changes. */
const WRAPPERS_VERSION = "1";
/** The host's C library runs everything here; a second one beside it would not match its loader. */
const NEVER_UNPACKED = new Set([
  "libc6",
  "libc6-dev",
  "libc-dev-bin",
  "linux-libc-dev",
  "libcrypt1",
  "libcrypt-dev",
  "libnsl-dev",
  "libtirpc-dev",
  "rpcsvc-proto",
  "libc-bin",
]);

/** Build tools that work: the host's, and private ones for those it lacks. */
export interface Toolchain {
  /** Environment for every build command. */
  env: NodeJS.ProcessEnv;
  /** Variables for make's command line. */
  makeVariables: string[];
  /** Of tools taken from packages: `flex 2.6.4-8.2`. Empty when the host had everything. */
  fetched: string[];
}

/**
 * Find the given tools, fetching into `tools/<key>` those the host lacks. Nothing is installed.
 * @throws SetupError `tool_missing` when a fetched tool does not work either
 */
export async function toolchain(names: readonly ToolName[], apt: AptRoot, context: BuildContext): Promise<Toolchain> {
  const host: Toolchain = { env: buildEnvironment(systemPath()), makeVariables: [], fetched: [] };
  const missing = await missingTools(names, host, context);
  if (missing.length === 0) return host;
  // Private flex and bison look for m4 where Debian has it: give them a private one too.
  if (!missing.includes("m4") && (missing.includes("flex") || missing.includes("bison"))) missing.push("m4");

  context.progress.update(undefined, `fetching ${missing.join(", ")}`);
  const wanted = missing.flatMap((name): readonly string[] => TOOLS[name].packages);
  const tools = await apt.use(
    wanted,
    (all) => all.filter((of) => !NEVER_UNPACKED.has(of.name)),
    async (fetched) => {
      const directory = await unpackTools(fetched, missing, apt, context);
      await apt.forget(fetched.packages);
      return privateToolchain(
        directory,
        missing,
        fetched.packages.map((of) => `${of.name} ${of.version}`),
      );
    },
  );
  const unusable = await missingTools(
    missing.filter((name) => name !== "libelf"),
    tools,
    context,
  );
  if (unusable.length > 0) {
    throw new SetupError(
      "tool_missing",
      `${unusable.join(", ")} from Debian's packages does not work on this machine`,
      {
        remedy: `Install ${unusable.join(", ")} with the system's package manager. The log is ${context.log.path}.`,
        log: context.log.path,
      },
    );
  }
  return tools;
}

async function unpackTools(
  { packages, archives }: Fetched,
  missing: readonly ToolName[],
  apt: AptRoot,
  context: BuildContext,
): Promise<string> {
  const key = shortKey(
    digestParts({
      wrappers: WRAPPERS_VERSION,
      tools: missing.join(" "),
      packages: packages.map((of) => of.sha256).join(" "),
      // The starters hold absolute paths.
      home: context.layout.home,
    }),
  );
  const directory = join(context.layout.tools, key);
  if (existsSync(directory)) return directory;
  const work = await freshDirectory(join(context.layout.work, `tools-${key}`));
  for (const archive of archives) await apt.unpack(archive, join(work, "root"));
  await writeWrappers(work, directory, missing);
  await publishDirectory(work, directory);
  return directory;
}

/**
 * Tools that an earlier run has unpacked, without asking apt; undefined unless one place has all of them, and they work.
 */
export async function unpackedBefore(
  names: readonly ToolName[],
  context: BuildContext,
): Promise<Toolchain | undefined> {
  const { tools } = context.layout;
  for (const entry of existsSync(tools) ? await readdir(tools) : []) {
    const directory = join(tools, entry);
    if (!names.every((name) => existsSync(join(directory, "bin", name)))) continue;
    const found = privateToolchain(directory, names, []);
    if ((await missingTools(names, found, context)).length === 0) return found;
  }
  return undefined;
}

/** Those of the given tools that do not work. Needs nothing but the host; used by doctor too. */
export async function missingTools(
  names: readonly ToolName[],
  tools: Pick<Toolchain, "env">,
  context: Pick<BuildContext, "log" | "signal">,
): Promise<ToolName[]> {
  const missing: ToolName[] = [];
  for (const name of names) {
    const directory = await mkdtemp(join(tmpdir(), "zeroboot-probe-"));
    try {
      await run("sh", ["-c", TOOLS[name].probe], {
        cwd: directory,
        env: tools.env,
        log: context.log,
        signal: context.signal,
      });
    } catch (error) {
      if (!(error instanceof SetupError) || error.code !== "command_failed") throw error;
      missing.push(name);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return missing;
}

function privateToolchain(directory: string, missing: readonly ToolName[], fetched: string[]): Toolchain {
  const bin = join(directory, "bin");
  const root = join(directory, "root");
  const more: Record<string, string> = {};
  if (missing.includes("m4")) more.M4 = join(bin, "m4");
  if (missing.includes("bison")) more.BISON_PKGDATADIR = join(root, "usr/share/bison");
  if (missing.includes("perl")) more.PERL5LIB = join(root, "usr/lib/x86_64-linux-gnu/perl-base");
  const makeVariables = missing.includes("libelf") ? [`HOSTPKG_CONFIG=${join(bin, "libelf-config")}`] : [];
  return { env: buildEnvironment(`${bin}:${systemPath()}`, more), makeVariables, fetched };
}

const COMPILER_PROBE =
  "printf 'int main(void){return 0;}' > a.c && gcc -O2 -static a.c -o a && ./a && gcc -O2 -shared -fPIC a.c -o a.so && strip a && gcc -dumpfullversion";

/**
 * The C compiler's version, after it has compiled a static and a shared object.
 * @throws SetupError `tool_missing`
 */
export async function requireCompiler(context: Pick<BuildContext, "log" | "signal">): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "zeroboot-probe-"));
  try {
    const { stdout } = await run("sh", ["-c", COMPILER_PROBE], {
      cwd: directory,
      env: buildEnvironment(systemPath()),
      log: context.log,
      signal: context.signal,
    });
    return stdout.trim();
  } catch (error) {
    if (!(error instanceof SetupError) || error.code !== "command_failed") throw error;
    throw new SetupError("tool_missing", "no working C compiler (gcc, binutils and a static C library are needed)", {
      remedy: "Install it with: sudo apt-get install g++",
      log: context.log.path,
      cause: error,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
