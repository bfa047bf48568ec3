import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** The original's, and longer ones: its programs end within a second. */
const TIME_BUCKETS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 300_000];

/**
 * Everything that is measured. The names, and what stands behind them, are an interface: dashboards and alerts
 * are made of them. The labels are few, and none of their values is a client's choice.
 */
export function createInstruments(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const times = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Histogram<L>({ name, help, labelNames: [...labelNames], buckets: TIME_BUCKETS_MS, registers });
  return {
    // The original's, by its names.
    executions: counter("zeroboot_total_executions", "Cells that ended: success, error or timeout.", ["status"]),
    concurrentForks: gauge("zeroboot_concurrent_forks", "Forks being made or alive."),
    forkMicroseconds: counter("zeroboot_fork_time_microseconds_total", "All fork times together."),
    execMicroseconds: counter("zeroboot_exec_time_microseconds_total", "All running times of cells together."),
    memoryUsage: gauge("zeroboot_memory_usage_bytes", "Resident memory of the server, VMs and templates included."),
    forkTime: times(
      "zeroboot_fork_time_milliseconds",
      "Making a fork, from the request to a vCPU ready to run its prefaulted memory.",
    ),
    execTime: times("zeroboot_exec_time_milliseconds", "A cell, from its handing over to its end."),
    totalTime: times("zeroboot_total_time_milliseconds", "A program of /v1/exec: fork, identity, and its run."),

    // Sessions and what they run.
    sessions: gauge("zeroboot_sessions", "Sessions that there are.", ["template", "state"]),
    sessionsLimit: gauge("zeroboot_sessions_limit", "Sessions that there may be."),
    sessionsOpened: counter("zeroboot_sessions_opened_total", "Sessions begun.", ["template"]),
    sessionsClosed: counter(
      "zeroboot_sessions_closed_total",
      "Sessions ended, by the code their client was told; client_gone: it left by itself.",
      ["template", "reason"],
    ),
    cells: counter("zeroboot_cells_total", "Cells that ended, by the status of their done.", ["template", "status"]),
    queued: gauge("zeroboot_queued_executions", "Cells and questions that wait for their turn in their session."),
    teardownTime: times(
      "zeroboot_teardown_time_milliseconds",
      "From a session's end to the end of its VM, which happens off the request path.",
    ),
    errors: counter("zeroboot_errors_total", "Errors told to clients, by code.", ["surface", "code"]),

    // Virtual machines.
    forks: counter("zeroboot_forks_total", "Forks that became ready.", ["template"]),
    restarts: counter("zeroboot_restarts_total", "VMs replaced by a fresh fork within a session.", [
      "template",
      "reason",
    ]),
    vms: gauge("zeroboot_vms", "VMs: parked, running, or ending (their kernel objects are being released).", ["state"]),
    vmExits: counter("zeroboot_vm_exits_total", "Exits of guests to the engine, by what for.", ["reason"]),
    vmWakeups: counter("zeroboot_vm_wakeups_total", "Wake-ups of parked VMs."),
    linkBytes: counter("zeroboot_link_bytes_total", "Bytes through the links.", ["direction"]),
    privateMemory: gauge(
      "zeroboot_private_memory_bytes",
      "Resident private memory: the pages that VMs have written, and the server's own heap (see nodejs_heap_*).",
    ),

    // Templates.
    templateState: gauge("zeroboot_template_state", "1 for the state that a template is in.", ["template", "state"]),
    templateProgress: gauge(
      "zeroboot_template_build_progress_ratio",
      "Of the step at which a template being made is, where it can be told.",
      ["template"],
    ),
    templatePages: gauge("zeroboot_template_bytes", "A ready template: guest memory, content, working set.", [
      "template",
      "kind",
    ]),

    // HTTP.
    requests: counter("zeroboot_http_requests_total", "HTTP requests answered.", ["route", "method", "status"]),
    requestTime: times("zeroboot_http_request_time_milliseconds", "From a request's head to its answer.", ["route"]),
    buildInfo: gauge("zeroboot_build_info", "1, with the version and the kind of KVM.", ["version", "kvm"]),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;
