import { defaultHome, homeLayout, inspectSetup } from "../../../native/guest/build/index.js";
import { errorRemedy } from "../errors.js";
import type { Finding } from "../host/findings.js";
import { inspectKvm } from "../host/kvm-findings.js";
import { inspectLimits } from "../host/process-limits.js";
import { listSnapshots } from "../templates/snapshot-files.js";
import { checkUwsModule } from "../transport/uws-module.js";
import { EXIT } from "./exit-codes.js";

const MARKS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** Say what was found, line by line, each with what to do. Changes nothing. */
export async function doctor(): Promise<number> {
  const findings = [
    ...inspectKvm(),
    node(),
    webSocketModule(),
    ...inspectLimits(),
    ...(await guarded("the guest's parts", () => inspectSetup())),
    ...(await guarded("templates", templates)),
  ];
  for (const { level, what, remedy } of findings) {
    process.stdout.write(`${MARKS[level]}  ${what}\n`);
    if (remedy !== undefined && level !== "ok") process.stdout.write(`      -> ${remedy}\n`);
  }
  const fit = !findings.some((finding) => finding.level === "fail");
  process.stdout.write(fit ? "A VM can run here.\n" : "No VM can run here until the failures above are mended.\n");
  return fit ? EXIT.ok : EXIT.unfit;
}

function node(): Finding {
  return { level: "ok", what: `Node ${process.versions.node} (module ABI ${process.versions.modules})` };
}

/** Without it there is no server, but `zeroboot exec` runs VMs all the same. */
function webSocketModule(): Finding {
  try {
    const { sha256 } = checkUwsModule();
    return { level: "ok", what: `uWebSockets.js' native module is the pinned one (sha256 ${sha256.slice(0, 16)}...)` };
  } catch (error) {
    return { level: "warn", what: `the server cannot start: ${messageOf(error)}`, remedy: errorRemedy(error) };
  }
}

async function templates(): Promise<Finding[]> {
  const files = await listSnapshots(homeLayout(defaultHome()).templates);
  if (files.length === 0) return [{ level: "ok", what: "no template is made yet: the first use makes it" }];
  return files.map((file) => ({ level: "ok" as const, what: `template ${file.name} is in ${file.path}` }));
}

async function guarded(what: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [{ level: "fail", what: `${what}: ${messageOf(error)}`, remedy: errorRemedy(error) }];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
