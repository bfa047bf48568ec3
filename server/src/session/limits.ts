import {
  DEFAULT_TIMEOUT_MS,
  INITIAL_CREDIT_BYTES,
  MAX_CLIENT_FRAME_BYTES,
  MAX_CODE_BYTES,
  MAX_QUEUED_EXECUTIONS,
  MAX_TIMEOUT_MS,
} from "@zeroboot/sdk/protocol";

/**
 * What one session may use. What a client has to know is announced in `ready.limits`; the
 * others bound the host's own patience.
 */
export interface SessionSettings {
  /** A cell's running time when it names none, milliseconds. */
  readonly defaultTimeoutMs: number;
  /** The longest running time a cell may ask for, milliseconds. More is refused: `invalid_frame`. */
  readonly maxTimeoutMs: number;
  /** Executions and questions that have not ended. More are refused: `queue_full`. */
  readonly maxQueuedExecutions: number;
  /** Between two requests while nothing runs, milliseconds. Then `idle_timeout`. */
  readonly idleTimeoutMs: number;
  /** Of the whole session, milliseconds. Then `lifetime_exceeded`. */
  readonly lifetimeMs: number;
  /** Of one cell, bytes of both streams; beyond, only the end of each is kept. Then `truncated`. */
  readonly maxOutputBytes: number;
  /** Written in the whole session, bytes, sent or not. Then `output_limit`. */
  readonly maxSessionOutputBytes: number;
  /** For an interrupt to help, milliseconds. Then the cell's children are killed, and after as long again its VM. */
  readonly interruptGraceMs: number;
  /** For a fork to be made and to take its identity, milliseconds. Then `identity_refused`. */
  readonly forkTimeoutMs: number;
  /** For a client to take the last output of a VM that has ended, milliseconds. Then it is cut. */
  readonly lastOutputTimeoutMs: number;
  /** Frames refused in a row. Then `too_many_failures`. */
  readonly maxRefusedFrames: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_SESSION_SETTINGS: SessionSettings = {
  defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
  maxTimeoutMs: MAX_TIMEOUT_MS,
  maxQueuedExecutions: MAX_QUEUED_EXECUTIONS,
  idleTimeoutMs: 1_800_000,
  lifetimeMs: 86_400_000,
  maxOutputBytes: 256 * MIB,
  maxSessionOutputBytes: 65_536 * MIB,
  interruptGraceMs: 2_000,
  forkTimeoutMs: 30_000,
  lastOutputTimeoutMs: 2_000,
  maxRefusedFrames: 256,
};

/** `ready.limits`. */
export function announcedLimits(settings: SessionSettings, memoryMb: number) {
  return {
    maxFrameBytes: MAX_CLIENT_FRAME_BYTES,
    maxCodeBytes: MAX_CODE_BYTES,
    maxQueuedExecutions: settings.maxQueuedExecutions,
    initialCreditBytes: INITIAL_CREDIT_BYTES,
    defaultTimeoutMs: settings.defaultTimeoutMs,
    maxTimeoutMs: settings.maxTimeoutMs,
    maxOutputBytes: settings.maxOutputBytes,
    maxSessionOutputBytes: settings.maxSessionOutputBytes,
    idleTimeoutMs: settings.idleTimeoutMs,
    lifetimeMs: settings.lifetimeMs,
    interruptGraceMs: settings.interruptGraceMs,
    memoryMb,
  };
}
