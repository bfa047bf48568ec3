import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineParts } from "./parts.js";

/** Where the command finds a directory of the host's that it may write into. */
const RESULTS_IN_MACHINE = "/run/zeroboot-results";
const CONSOLE = "console.log";
const EXIT_CODE = "exit-code";

export interface PortForward {
  readonly hostPort: number;
  readonly machinePort: number;
}

export interface MachineCommand {
  readonly command: readonly string[];
  readonly directory: string;
  /** Variables the command gets beside PATH, HOME and TERM. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the command writes into `$RESULTS` is kept here; thrown away if undefined. */
  readonly resultsDirectory: string | undefined;
  /** Of the machine's ports, the one that can be reached on this host's loopback, and by which; none if undefined. */
  readonly forward: PortForward | undefined;
  readonly memoryMb: number;
  readonly processors: number;
  readonly signal: AbortSignal;
}

/** The emulated machine ended without an exit code of the command. */
export class MachineFailed extends Error {
  override readonly name = "MachineFailed";
}

/**
 * Run a command in a machine that QEMU emulates in software, with nested SVM: its /dev/kvm is
 * Debian's real kvm_amd. It sees this host's files, read-only below an overlay in memory. Its
 * output goes to our standard output as it comes.
 * @returns the command's exit code
 * @throws MachineFailed with the end of the machine's console
 */
export async function runInMachine(parts: MachineParts, command: MachineCommand): Promise<number> {
  const kept = command.resultsDirectory;
  const results = kept ?? (await mkdtemp(join(tmpdir(), "zeroboot-hardware-kvm-")));
  try {
    await mkdir(results, { recursive: true });
    await rm(join(results, EXIT_CODE), { force: true });
    await writeFile(join(results, "run.sh"), script(command));
    const ended = await emulate(parts, command, results);
    const code = await readFile(join(results, EXIT_CODE), "utf8").catch(() => "");
    if (/^\d+\n$/.test(code)) return Number(code);
    const said = await readFile(join(results, CONSOLE), "utf8").catch(() => "");
    throw new MachineFailed(`the emulated machine ended (${ended}) before the command did:\n${said.slice(-4096)}`);
  } finally {
    if (kept === undefined) await rm(results, { recursive: true, force: true });
  }
}

function emulate(parts: MachineParts, command: MachineCommand, results: string): Promise<string> {
  const share = (id: string, path: string, more: string): string[] => [
    "-fsdev",
    `local,id=${id},path=${path},security_model=none${more}`,
    "-device",
    `virtio-9p-pci,fsdev=${id},mount_tag=${id}`,
  ];
  const machine = [
    ...["-accel", "tcg,thread=multi", "-cpu", "max,+svm"],
    ...["-smp", String(command.processors), "-m", String(command.memoryMb)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-kernel", parts.kernelPath, "-initrd", parts.initramfsPath],
    ...["-append", "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable"],
    ...["-serial", `file:${join(results, CONSOLE)}`, "-serial", "stdio"],
    ...share("host", "/", ",readonly=on,multidevs=remap"),
    ...share("results", results, ""),
  ];
  if (command.forward !== undefined) {
    const { hostPort, machinePort } = command.forward;
    machine.push("-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${hostPort}-:${machinePort}`);
    machine.push("-device", "virtio-net-pci,netdev=net,romfile=");
  }
  return new Promise((resolve, reject) => {
    const qemu = spawn("qemu-system-x86_64", machine, {
      stdio: ["ignore", "inherit", "inherit"],
      signal: command.signal,
      killSignal: "SIGKILL",
    });
    qemu.once("error", (error) => {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      reject(missing ? new MachineFailed("qemu-system-x86_64 is missing: apt-get install qemu-system-x86") : error);
    });
    qemu.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** What runs instead of an init. The machine's second serial port carries the command's output. */
function script({ command, directory, environment }: MachineCommand): string {
  const variables = {
    HOME: process.env.HOME ?? "/root",
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    TERM: "dumb",
    RESULTS: RESULTS_IN_MACHINE,
    ...environment,
  };
  return [
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
    "stty -F /dev/ttyS1 raw -echo",
    `cd ${quoted(directory)}`,
    // Through a pipe: a terminal would be drawn on.
    `{ ${command.map(quoted).join(" ")} < /dev/null; echo $? > ${RESULTS_IN_MACHINE}/${EXIT_CODE}; } 2>&1 | cat > /dev/ttyS1`,
    "dmesg | grep -i kvm > /dev/ttyS0",
    "sync",
    "echo o > /proc/sysrq-trigger",
    "exec sleep 60",
    "",
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
