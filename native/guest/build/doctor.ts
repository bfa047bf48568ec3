import { access, constants, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemSources } from "./apt/config.js";
import { systemPath } from "./apt/root.js";
import { type ArtefactOptions, planArtefacts } from "./artefacts.js";
import { buildEnvironment, run } from "./command.js";
import { freeBytesOnDisk, REQUIRED_FREE_BYTES } from "./disk.js";
import { SetupError, systemCode } from "./errors.js";
import { defaultHome } from "./home.js";
import { BoundedLog } from "./log.js";
import { formatBytes, formatDuration } from "./progress.js";
import { KERNEL_TOOLS, ROOT_TOOLS } from "./tools/spec.js";
import { missingTools, requireCompiler } from "./tools/toolchain.js";

/** One thing looked at, for `zeroboot doctor`. */
export interface SetupFinding {
  /** `fail`: no guest can be built or booted because of it. */
  level: "ok" | "warn" | "fail";
  /** One line: what was found. */
  what: string;
  /** One line: what to do. Only with `warn` and `fail`. */
  remedy?: string;
}

/**
 * What building the guest's parts needs of this machine, and what is built already. Changes
 * nothing, fetches nothing. When everything is built only the cache is looked at.
 */
export async function inspectSetup(
  options: Pick<ArtefactOptions, "home" | "template" | "kernelPath"> = {},
): Promise<SetupFinding[]> {
  const home = options.home ?? defaultHome();
  const findings = [await homeFinding(home)];
  const { steps } = await planArtefacts({ ...options, home });
  if (steps.length === 0) return [...findings, { level: "ok", what: `kernel and root image are in ${home}` }];
  for (const step of steps) {
    findings.push({
      level: "ok",
      what: `to be made on first use: ${step.title} (${formatBytes(step.downloadBytes)}, about ${formatDuration(step.seconds)})`,
    });
  }
  findings.push(await spaceFinding(home), await sourcesFinding());
  const scratch = await mkdtemp(join(tmpdir(), "zeroboot-doctor-"));
  try {
    findings.push(...(await toolFindings(BoundedLog.create(scratch, "doctor"))));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return findings;
}

async function homeFinding(home: string): Promise<SetupFinding> {
  const remedy = "Make it writable for this user, or point ZEROBOOT_HOME at a directory that is.";
  for (let at = home; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK | constants.X_OK);
      return { level: "ok", what: `cache directory ${home} is writable` };
    } catch (error) {
      if (systemCode(error) === "ENOENT" && dirname(at) !== at) continue;
      return { level: "fail", what: `cache directory ${home} cannot be written (${at})`, remedy };
    }
  }
}

async function spaceFinding(home: string): Promise<SetupFinding> {
  const free = await freeBytesOnDisk(home);
  const what = `${formatBytes(free)} of disk free, ${formatBytes(REQUIRED_FREE_BYTES)} needed to build`;
  if (free >= REQUIRED_FREE_BYTES) return { level: "ok", what };
  return { level: "fail", what, remedy: "Free some space, or set ZEROBOOT_HOME to a directory on another disk." };
}

async function sourcesFinding(): Promise<SetupFinding> {
  const { list, parts } = systemSources();
  if (`${list}${parts.map((part) => part.text).join("\n")}`.trim() !== "") {
    return { level: "ok", what: "apt has package sources" };
  }
  return { level: "fail", what: "apt has no package sources", remedy: "Restore Debian's sources in /etc/apt." };
}

async function toolFindings(log: BoundedLog): Promise<SetupFinding[]> {
  const context = { log, signal: undefined };
  const env = buildEnvironment(systemPath());
  const findings: SetupFinding[] = [];
  for (const [program, args] of [
    ["apt-get", ["--version"]],
    ["dpkg-deb", ["--version"]],
    ["tar", ["--version"]],
    ["flock", ["--version"]],
  ] as const) {
    const works = await run(program, args, { ...context, env }).then(
      () => true,
      () => false,
    );
    if (!works) findings.push({ level: "fail", what: `${program} is missing`, remedy: "This needs Debian 12." });
  }
  try {
    findings.push({ level: "ok", what: `C compiler works (gcc ${await requireCompiler(context)})` });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    findings.push({ level: "fail", what: error.message, remedy: error.remedy });
  }
  const missing = await missingTools([...KERNEL_TOOLS, ...ROOT_TOOLS], { env }, context);
  findings.push({
    level: "ok",
    what:
      missing.length === 0
        ? "all build tools are installed"
        : `build tools to be fetched from Debian's packages, without installing them: ${missing.join(", ")}`,
  });
  return findings;
}
