import { readFileSync } from "node:fs";
import type { Engine } from "../../../native/engine.js";
import type { SessionRegistry } from "../session/session-registry.js";
import type { TemplateShelf, TemplateState } from "../templates/template-shelf.js";
import type { Instruments } from "./instruments.js";

/** Where the figures come from that nobody counts as they change. */
export interface Sources {
  readonly engine: Pick<Engine, "counts" | "totals">;
  readonly sessions: Pick<SessionRegistry, "census">;
  readonly templates: Pick<TemplateShelf, "states">;
}

const TEMPLATE_STATES: readonly TemplateState["kind"][] = ["absent", "building", "ready", "failed"];
const PAGE_BYTES = 4096;

/** Bring every figure that is read, and not counted, up to date. Its cost grows with the sessions: once a scrape. */
export function readSources(instruments: Instruments, sources: Sources): void {
  readVms(instruments, sources.engine);
  readSessions(instruments, sources.sessions);
  readTemplates(instruments, sources.templates);
  readMemory(instruments);
}

function readVms(instruments: Instruments, engine: Sources["engine"]): void {
  const { vms, reaping } = engine.counts();
  const { exits, bytesIn, bytesOut, wakeups, parked } = engine.totals();
  instruments.concurrentForks.set(vms);
  instruments.vms.set({ state: "parked" }, parked);
  // The two are not read at one moment.
  instruments.vms.set({ state: "running" }, Math.max(0, vms - parked));
  instruments.vms.set({ state: "ending" }, reaping);
  // The engine's sums only grow: the counters are set to them.
  instruments.vmExits.reset();
  for (const [reason, count] of Object.entries(exits)) instruments.vmExits.inc({ reason }, count);
  instruments.linkBytes.reset();
  instruments.linkBytes.inc({ direction: "to_guest" }, bytesIn);
  instruments.linkBytes.inc({ direction: "from_guest" }, bytesOut);
  instruments.vmWakeups.reset();
  instruments.vmWakeups.inc(wakeups);
}

function readSessions(instruments: Instruments, sessions: Sources["sessions"]): void {
  const { max, waitingJobs, byTemplateAndState } = sessions.census();
  instruments.sessionsLimit.set(max);
  instruments.queued.set(waitingJobs);
  instruments.sessions.reset();
  for (const { template, state, count } of byTemplateAndState) instruments.sessions.set({ template, state }, count);
}

function readTemplates(instruments: Instruments, templates: Sources["templates"]): void {
  instruments.templateProgress.reset();
  instruments.templatePages.reset();
  for (const [template, state] of templates.states()) {
    for (const kind of TEMPLATE_STATES) {
      instruments.templateState.set({ template, state: kind }, state.kind === kind ? 1 : 0);
    }
    if (state.kind === "building" && state.progress.percent !== undefined) {
      instruments.templateProgress.set({ template }, state.progress.percent / 100);
    }
    if (state.kind !== "ready") continue;
    const { memoryMb, storedPages, workingSetPages } = state.template.info;
    instruments.templatePages.set({ template, kind: "guest_memory" }, memoryMb * 1024 * 1024);
    instruments.templatePages.set({ template, kind: "content" }, storedPages * PAGE_BYTES);
    instruments.templatePages.set({ template, kind: "working_set" }, workingSetPages * PAGE_BYTES);
  }
}

/** One small file instead of a walk through the page tables of every VM. */
function readMemory(instruments: Instruments): void {
  const status = readFileSync("/proc/self/status", "utf8");
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;
  instruments.memoryUsage.set(bytes("VmRSS"));
  instruments.privateMemory.set(bytes("RssAnon"));
}
