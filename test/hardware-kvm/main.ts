/**
 * `npm run test:hardware-kvm [-- COMMAND ...]`: the tests on a real VM, or another command, on
 * ordinary hardware KVM with every quirk off, also where the host has another KVM or none. Speeds
 * mean nothing there: the machine is emulated in software.
 */
import { ensureArtefacts, packageRoot, recipeNames, SetupError, TextProgress } from "../../native/guest/build/index.js";
import { ensureOwnImage } from "../helpers/own-template.js";
import { MachineFailed, type PortForward, runInMachine } from "./machine.js";
import { machineParts } from "./parts.js";

const MEMORY_MB = 6144;
/**
 * One: with two, on a busy host, QEMU's emulation of nested SVM was seen to stand still, both
 * processors in soft lock-ups.
 */
const PROCESSORS = 1;
const TESTS = ["npx", "vitest", "run", "--project", "engine", "--project", "e2e"];
/** Handed on into the machine. */
const PASSED_ON = ["CI", "ZEROBOOT_HOME"];
/** Names a directory for what the command writes into `$RESULTS`. */
const RESULTS_VARIABLE = "ZEROBOOT_RESULTS";
/** `HOST:MACHINE`: a port of this host's loopback that leads to one of the machine's. */
const FORWARD_VARIABLE = "ZEROBOOT_FORWARD";

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());
const progress = new TextProgress(process.stderr);

try {
  // Compiling a kernel in there would take hours, and there is no network.
  for (const template of await recipeNames()) await ensureArtefacts({ template, progress, signal: stopping.signal });
  await ensureOwnImage(progress, stopping.signal);
  const parts = await machineParts(progress, stopping.signal);
  const given = process.argv.slice(2);
  const environment = Object.fromEntries(
    PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  process.exitCode = await runInMachine(parts, {
    command: given.length > 0 ? given : TESTS,
    directory: packageRoot(),
    environment: { ...environment, REQUIRE_KVM: "1" },
    resultsDirectory: process.env[RESULTS_VARIABLE],
    forward: portForward(process.env[FORWARD_VARIABLE]),
    memoryMb: MEMORY_MB,
    processors: PROCESSORS,
    signal: stopping.signal,
  });
} catch (error) {
  if (error instanceof SetupError) process.stderr.write(`${error.code}: ${error.message}\n${error.remedy}\n`);
  else if (error instanceof MachineFailed) process.stderr.write(`${error.message}\n`);
  else if (!stopping.signal.aborted) throw error;
  process.exitCode = 1;
}

function portForward(text: string | undefined): PortForward | undefined {
  if (text === undefined) return undefined;
  const [, hostPort, machinePort] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  if (hostPort === undefined || machinePort === undefined)
    throw new RangeError(`${FORWARD_VARIABLE} is not HOST:MACHINE`);
  return { hostPort: Number(hostPort), machinePort: Number(machinePort) };
}
