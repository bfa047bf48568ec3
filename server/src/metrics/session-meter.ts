import type { DoneFrame, ServerFrame } from "@zeroboot/sdk/protocol";
import type { FrameSink } from "../session/frame-sink.js";
import type { Instruments } from "./instruments.js";

/** What the original calls the ends of a program. */
const ORIGINAL_STATUS: Readonly<Partial<Record<DoneFrame["status"], string>>> = { ok: "success", timeout: "timeout" };

/**
 * Counts what one session does by the frames its client is sent: whatever is of interest is told in one. An
 * observer in the path, so that the session knows nothing of metrics.
 */
export class SessionMeter {
  readonly #instruments: Instruments;
  readonly #template: string;
  #reason: string | undefined;
  #endingSince: number | undefined;

  constructor(instruments: Instruments, template: string) {
    this.#instruments = instruments;
    this.#template = template;
    instruments.sessionsOpened.inc({ template });
  }

  /** The sink, observed. */
  watch(sink: FrameSink): FrameSink {
    return {
      send: (frame) => {
        this.#sees(frame);
        return sink.send(frame);
      },
      cork: (work) => sink.cork(work),
      end: (reason) => {
        this.#reason ??= reason;
        sink.end(reason);
      },
    };
  }

  /** The session is being ended. */
  ending(): void {
    this.#endingSince = performance.now();
  }

  /** Nothing of it is left. */
  ended(): void {
    const template = this.#template;
    this.#instruments.sessionsClosed.inc({ template, reason: this.#reason ?? "client_gone" });
    if (this.#endingSince !== undefined) {
      this.#instruments.teardownTime.observe(performance.now() - this.#endingSince);
    }
  }

  #sees(frame: ServerFrame): void {
    switch (frame.type) {
      case "ready":
        return this.#forked(frame.forkTimeUs);
      case "restarted":
        this.#instruments.restarts.inc({ template: this.#template, reason: frame.reason });
        return this.#forked(frame.forkTimeUs);
      case "done":
        return this.#done(frame);
      case "failure":
        this.#instruments.errors.inc({ surface: "websocket", code: frame.code });
        return;
      default:
        return;
    }
  }

  #forked(us: number): void {
    this.#instruments.forks.inc({ template: this.#template });
    this.#instruments.forkMicroseconds.inc(us);
    this.#instruments.forkTime.observe(us / 1000);
  }

  #done({ status, timings }: DoneFrame): void {
    this.#instruments.cells.inc({ template: this.#template, status });
    this.#instruments.executions.inc({ status: ORIGINAL_STATUS[status] ?? "error" });
    // One that never ran has no time.
    if (timings.execUs === 0) return;
    this.#instruments.execMicroseconds.inc(timings.execUs);
    this.#instruments.execTime.observe(timings.execUs / 1000);
  }
}
