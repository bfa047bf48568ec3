/**
 * The engine as TypeScript sees it: templates, forks of them, and the bytes a fork's guest sends.
 *
 * Everything under `native/src` but `addon/` knows nothing of Node; this file is the typed face of
 * `addon/`. Messages only: no shared memory, no handles to guest pages, so that VMs could live in
 * other processes without a caller noticing.
 */

/** Codes of {@link EngineError}. Each is described in docs/errors.md. */
export type EngineErrorCode =
  | "kvm_missing" // /dev/kvm does not exist
  | "kvm_forbidden" // /dev/kvm may not be opened by this user
  | "kvm_unsuitable" // a capability the engine needs is absent
  | "kvm_failed" // an ioctl failed; `syscall` and `errno` say which
  | "kernel_invalid" // not a vmlinux or bzImage this host can boot
  | "root_invalid" // the root image cannot be mapped
  | "template_failed" // the guest did not reach its parked agent; `console` has its last lines
  | "template_missing" // no such snapshot file
  | "template_corrupt" // truncated or edited snapshot file
  | "template_mismatch" // captured on another CPU, host kind or engine; the message says what differs
  | "fork_failed" // the fork could not be made
  | "vm_closed" // the VM has ended
  | "queue_full" // more bytes sent than the VM's input queue holds
  | "io_failed"; // reading or writing a file failed (also: disk full)

/** An error of the engine. `code` is stable; `message` is for people. */
export interface EngineErrorShape extends Error {
  code: EngineErrorCode;
  /** The failing call, for example `KVM_SET_SREGS`, where there is one. */
  syscall?: string;
  errno?: number;
  /** The guest's last console lines, where a guest was involved. */
  console?: string;
}

/** What this host offers, found without starting a VM. */
export interface HostReport {
  kind: "hardware" | "kvm_pvm";
  /** For people, for example `kvm_pvm (nested, guest kernel emulated)`. */
  description: string;
  /** Names of the quirks in force; empty on hardware KVM. */
  quirks: string[];
  cpu: { vendor: string; family: number; model: number; stepping: number; xcr0: bigint };
  /** Digest of the CPUID leaves a guest sees, XCR0 and microcode: two hosts that agree can swap templates. */
  cpuDigest: string;
  tscKhz: number;
  engineAbi: number;
}

/**
 * Guest-physical addresses of variables of the kernel, by their names. Without `total_forks` the agent tells whether
 * its guest can be parked. The others are of a kernel of our own build, whose layout is known: with them the host gives
 * each fork its randomness and its wall clock before the guest runs; without, the agent does it through system calls.
 */
export type KernelSymbols = Readonly<Partial<Record<KernelSymbol, number>>>;

/** As in the kernel's symbol table. */
export type KernelSymbol =
  | "total_forks"
  | "base_crng"
  | "input_pool"
  | "jiffies_64"
  | "tk_core"
  | "shadow_timekeeper"
  | "tk_fast_mono"
  | "_vdso_data"
  | "hrtimer_bases";

export interface BootOptions {
  /** vmlinux (ELF) or bzImage. */
  kernelPath: string;
  /** EROFS image. Copied once per process into sealed memory, shared by all VMs. */
  rootImagePath: string;
  /** SHA-256 of the two files, hex; written into snapshots, which also hold the root image's CRC and are held to it. */
  kernelDigest: string;
  rootDigest: string;
  /** Guest memory in MiB, 64-3072. */
  memoryMb: number;
  symbols: KernelSymbols;
  /** Appended to the kernel command line. */
  extraCommandLine?: string;
  /** Give up after this long, milliseconds. */
  timeoutMs: number;
  /** Cells that record the working set: run in a scratch fork after capture, never in the template. */
  warmupCells: string[];
  /** Free text kept in the snapshot: the template's cache key. */
  label: string;
}

export interface TemplateInfo {
  label: string;
  /** What the agent said of itself, for example `CPython 3.11.2`. */
  runtime: string;
  kernelDigest: string;
  rootDigest: string;
  memoryMb: number;
  /** Pages with content, of 4 KiB. */
  storedPages: number;
  /** Pages written by every fork's first cells, prefaulted at fork. */
  workingSetPages: number;
  /** Milliseconds since 1970. */
  capturedAt: number;
  /** Power-on to parked agent, milliseconds. */
  bootMs: number;
  cpuDigest: string;
  hostKind: string;
  engineAbi: number;
}

/** Why a VM ended. `closed` and `shutdown` are ours; all others are the guest's doing or a failure. */
export type VmEndReason =
  | "closed"
  | "guest_panic"
  | "guest_reset"
  | "triple_fault"
  | "agent_exited"
  | "out_of_memory"
  | "protocol_violation"
  | "emulation_failure"
  | "identity_refused"
  | "kvm_failed"
  | "fork_failed";

export interface VmEnd {
  reason: VmEndReason;
  /** One line for people. */
  detail: string;
  /** Last lines of the guest's console, at most 4 KiB. Guest output: hostile text. */
  console: string;
}

export interface ForkReady {
  /** Microseconds: everything up to ready to run, prefault included. */
  forkTimeUs: number;
}

/** Called on the Node thread, never re-entrantly from within a call into the engine. */
export interface VmHandlers {
  /** The VM exists, its registers are restored, its hot pages are in. */
  onReady(ready: ForkReady): void;
  /** {@link Vm.read} has something. Called again only after a `read` that returned less than all, or new bytes. */
  onOutput(): void;
  /** Exactly once, after which no handler is called. Output sent before it can still be read. */
  onEnd(end: VmEnd): void;
}

/** Kinds of records; see native/src/devices/link_abi.h, the contract with the guest's agent. */
export const HostKind = { execute: 0x01, stdin: 0x02, identity: 0x03, env: 0x04 } as const;
export const GuestKind = {
  ready: 0x81,
  stdout: 0x82,
  stderr: 0x83,
  result: 0x84,
  display: 0x85,
  error: 0x86,
  inputRequest: 0x87,
  done: 0x88,
  identity: 0x89,
} as const;

/** One forked VM. Owned by whoever forked it; `close()` is the only way to end it early. */
export interface Vm {
  /** Unique within the process. */
  readonly id: number;
  /**
   * Queue one record for the guest and wake it. Legal before `onReady`.
   * @param executionId 1-65535, or 0 for records that belong to no cell
   * @throws EngineError `queue_full`, `vm_closed`
   */
  send(kind: number, flags: number, executionId: number, payload: Uint8Array): void;
  /**
   * Take whole records (header and payload, as in link_abi.h, already checked: kind, length, order)
   * from the VM's output queue, oldest first, up to `maxBytes` in all but at least one record.
   * Bytes not taken stay queued; when the queue is full the guest waits. Undefined when empty.
   */
  read(maxBytes: number): Uint8Array | undefined;
  /**
   * Ctrl-C: 0x03 on COM1, if `executionId` is the cell that runs; else nothing happens. Reaches that cell or nothing.
   * @param again repeat the newest one, unless the guest's agent has seen it
   * @returns whether the cell runs
   */
  interrupt(executionId: number, again?: boolean): boolean;
  /** Have the agent kill every process but itself, if `executionId` is the cell that runs. Answers as {@link interrupt}. */
  killChildren(executionId: number): boolean;
  /** Let output that waits for queue space be discarded until the running cell ends (timeouts, interrupts). */
  discardOutput(): void;
  /** End the VM. Idempotent, returns at once; the resources go on a reaper thread. `onEnd` follows. */
  close(): void;
  /** Counters for metrics, tests and the bench. */
  stats(): VmStats;
}

export interface VmStats {
  exits: number;
  parked: boolean;
  /** Private pages of guest memory, of 4 KiB. Counted when read, which takes milliseconds. */
  privatePages: number;
  bytesIn: number;
  bytesOut: number;
}

export interface Template {
  readonly info: TemplateInfo;
  /** Start making a fork; handlers report. Never blocks: the fork is made on its own vCPU thread. */
  fork(handlers: VmHandlers): Vm;
  /**
   * Write the snapshot file: to a temporary name, fsynced, then renamed, so that `path` is whole or absent.
   * @throws EngineError `io_failed`
   */
  save(path: string): Promise<void>;
  /** Release the template once its last fork is gone. Idempotent. */
  close(): void;
}

export interface EngineCounts {
  /** Forks being made or alive. */
  vms: number;
  /** Ended VMs whose kernel resources are not yet released. */
  reaping: number;
  templates: number;
}

/** What all forks of this process have done together, those that are gone included. */
export interface EngineTotals {
  /** VM exits by what for. */
  exits: Record<ExitKind, number>;
  /** Bytes through the links, to guests and from them. */
  bytesIn: number;
  bytesOut: number;
  /** How often a vCPU thread woke from a park. */
  wakeups: number;
  /** Now: forks that are parked. */
  parked: number;
}

/** As `kExitKindNames` in native/src/machine/exit_counts.h. */
export const EXIT_KINDS = [
  "io",
  "mmio",
  "ioapic_eoi",
  "msr_write",
  "internal_error",
  "shutdown",
  "system_event",
  "other",
] as const;
export type ExitKind = (typeof EXIT_KINDS)[number];

export interface Engine {
  /** @throws EngineError `kvm_missing`, `kvm_forbidden`, `kvm_unsuitable` */
  probeHost(): HostReport;
  /** Boot a guest until its agent parks, capture it, record its working set. `onConsole` gets console text as it comes. */
  boot(options: BootOptions, onConsole?: (text: string) => void): { template: Promise<Template>; abort(): void };
  /**
   * Load a snapshot. The whole file is checked before anything is used.
   * @throws EngineError `template_missing`, `template_corrupt`, `template_mismatch`, `io_failed`
   */
  load(path: string, rootImagePath: string): Promise<Template>;
  /** Read only a snapshot's header. @throws as {@link load} */
  inspect(path: string): TemplateInfo;
  counts(): EngineCounts;
  /** Added up when asked: its cost grows with the forks that are alive. */
  totals(): EngineTotals;
}
