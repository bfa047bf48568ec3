import type { FailureCode } from "@zeroboot/sdk/protocol";
import { collectDefaultMetrics, Registry } from "prom-client";
import { createInstruments, type Instruments } from "./instruments.js";
import { SessionMeter } from "./session-meter.js";
import { readSources, type Sources } from "./sources.js";

/** How often the event loop's delay is looked at, milliseconds. The library's own 10 wake an idle server 100 times a second. */
const LOOP_DELAY_PRECISION_MS = 100;

/** Methods that are told apart; a client may send any word for one. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

/** An HTTP request's answer, as it is counted. */
export interface AnsweredRequest {
  /** The path it was found under; undefined: there is nothing there. */
  readonly route: string | undefined;
  readonly method: string;
  readonly status: number;
  readonly ms: number;
  /** Of an error. */
  readonly code: FailureCode | undefined;
}

/** What this process has done and does, in Prometheus' terms. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #instruments: Instruments = createInstruments(this.#registry);

  /** @param about of this server, for {@link Instruments.buildInfo} */
  constructor(about: { readonly version: string; readonly kvm: string }) {
    this.#instruments.buildInfo.set({ ...about }, 1);
  }

  /** Measure the process itself, too: CPU, memory, descriptors, event loop, garbage collection. Once in a process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_DELAY_PRECISION_MS });
  }

  /** A session begins. */
  session(template: string): SessionMeter {
    return new SessionMeter(this.#instruments, template);
  }

  /** A WebSocket was told why it gets no session. */
  refused(code: FailureCode): void {
    this.#instruments.errors.inc({ surface: "websocket", code });
  }

  /** A program of REST has run, from its request to its result. */
  ran(totalMs: number): void {
    this.#instruments.totalTime.observe(totalMs);
  }

  answered({ route = "other", method, status, ms, code }: AnsweredRequest): void {
    const verb = METHODS.has(method) ? method : "other";
    this.#instruments.requests.inc({ route, method: verb, status: String(status) });
    this.#instruments.requestTime.observe({ route }, ms);
    if (code !== undefined) this.#instruments.errors.inc({ surface: "http", code });
  }

  /** The text format of Prometheus, version 0.0.4. */
  async render(sources: Sources): Promise<string> {
    readSources(this.#instruments, sources);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}
