/** One entry of {@link FAILURES}. */
export interface FailureInfo {
  /** WebSocket close code that follows the failure, or null: the connection goes on. */
  readonly closeCode: number | null;
  /** Status of the HTTP answer, where the failure is told over HTTP. */
  readonly httpStatus: number;
  /** One sentence for people. */
  readonly meaning: string;
}

/**
 * THE registry of what a client can be told: `failure.code`, `closed.reason`, and `code` in HTTP
 * error bodies. Codes are stable; docs/protocol.md has this table.
 */
export const FAILURES = {
  // Refused before there is a session.
  unauthorized: { closeCode: 4401, httpStatus: 401, meaning: "The API key is missing or not known." },
  key_expired: { closeCode: 4402, httpStatus: 401, meaning: "The API key is not valid any more." },
  key_not_permitted: {
    closeCode: 4431,
    httpStatus: 403,
    meaning: "The API key is for something else: one with the role metrics reads metrics, and no other does.",
  },
  origin_forbidden: { closeCode: 4403, httpStatus: 403, meaning: "This web origin is not allowed to connect." },
  host_forbidden: {
    closeCode: 4421,
    httpStatus: 421,
    meaning: "The Host header names neither loopback nor a configured host.",
  },
  subprotocol_unsupported: {
    closeCode: 4406,
    httpStatus: 400,
    meaning: "The WebSocket does not offer the subprotocol zeroboot.v1.msgpack.",
  },
  options_invalid: { closeCode: 4400, httpStatus: 400, meaning: "A query parameter is unknown or has a bad value." },
  template_unknown: { closeCode: 4404, httpStatus: 404, meaning: "There is no template of this name." },
  starting: { closeCode: 4503, httpStatus: 503, meaning: "The template cannot be forked yet; try again." },
  template_building: {
    closeCode: 4504,
    httpStatus: 503,
    meaning: "The template is being made; try again.",
  },
  template_failed: { closeCode: 4505, httpStatus: 503, meaning: "The template could not be made." },
  capacity_exhausted: { closeCode: 4529, httpStatus: 503, meaning: "The server has as many sessions as it may have." },
  key_capacity_exhausted: {
    closeCode: 4430,
    httpStatus: 429,
    meaning: "This key has as many sessions as one key may have.",
  },
  rate_limited: { closeCode: 4429, httpStatus: 429, meaning: "This key or address makes too many requests." },

  // A message that cannot be understood ends the session: nobody can tell which execution waits for it.
  text_message: { closeCode: 1003, httpStatus: 400, meaning: "A text message arrived; frames are binary messages." },
  malformed_frame: {
    closeCode: 1007,
    httpStatus: 400,
    meaning: "The message is not one msgpack map within the limits.",
  },
  invalid_utf8: { closeCode: 1007, httpStatus: 400, meaning: "A string of the message is not valid UTF-8." },
  frame_too_large: { closeCode: 1009, httpStatus: 413, meaning: "The message is larger than allowed." },
  too_many_failures: { closeCode: 1008, httpStatus: 429, meaning: "The client keeps sending frames that are refused." },

  // A frame that is understood and refused: the session goes on.
  unknown_type: { closeCode: null, httpStatus: 400, meaning: "There is no frame of this type." },
  invalid_frame: {
    closeCode: null,
    httpStatus: 400,
    meaning: "A field is missing, has the wrong type or a bad value.",
  },
  unsupported: { closeCode: null, httpStatus: 501, meaning: "This server does not support the frame." },
  not_ready: { closeCode: null, httpStatus: 409, meaning: "The frame came before ready." },
  duplicate_id: { closeCode: null, httpStatus: 409, meaning: "An execution with this id has not ended." },
  unknown_execution: { closeCode: null, httpStatus: 404, meaning: "No execution with this id is running or queued." },
  queue_full: { closeCode: null, httpStatus: 429, meaning: "As many executions are queued as may be." },
  code_too_large: { closeCode: null, httpStatus: 413, meaning: "The code is larger than allowed." },
  stdin_overflow: {
    closeCode: null,
    httpStatus: 413,
    meaning: "The cell has more unread standard input than is held.",
  },
  restarted: {
    closeCode: null,
    httpStatus: 409,
    meaning: "The virtual machine was replaced before this was its turn.",
  },
  stdin_closed: { closeCode: null, httpStatus: 409, meaning: "The standard input of this execution is closed." },

  // The session ends.
  session_closed: { closeCode: 1000, httpStatus: 410, meaning: "The session was closed as its client asked." },
  shutting_down: { closeCode: 1001, httpStatus: 503, meaning: "The server is stopping." },
  internal: { closeCode: 1011, httpStatus: 500, meaning: "The server failed; its log says more." },
  session_deleted: { closeCode: 4410, httpStatus: 410, meaning: "The session was ended from outside." },
  idle_timeout: { closeCode: 4408, httpStatus: 408, meaning: "Nothing was asked of the session for too long." },
  lifetime_exceeded: { closeCode: 4411, httpStatus: 410, meaning: "The session reached its longest lifetime." },
  slow_reader: {
    closeCode: 4413,
    httpStatus: 503,
    meaning: "The client read so slowly that its send queue overflowed.",
  },
  output_limit: {
    closeCode: 4414,
    httpStatus: 413,
    meaning: "The session has written as much output as a session may.",
  },

  // The VM ended by itself; the names are the engine's.
  guest_panic: { closeCode: 4520, httpStatus: 500, meaning: "The guest's kernel panicked." },
  guest_reset: { closeCode: 4521, httpStatus: 500, meaning: "The guest reset or switched itself off." },
  triple_fault: { closeCode: 4522, httpStatus: 500, meaning: "The guest's CPU shut down in a triple fault." },
  agent_exited: { closeCode: 4523, httpStatus: 500, meaning: "The language runtime in the guest exited or crashed." },
  out_of_memory: {
    closeCode: 4530,
    httpStatus: 500,
    meaning: "The language runtime was ended because the guest had no memory left.",
  },
  protocol_violation: {
    closeCode: 4524,
    httpStatus: 500,
    meaning: "The guest broke the rules of its link to the host.",
  },
  emulation_failure: { closeCode: 4525, httpStatus: 500, meaning: "KVM could not go on running the guest." },
  identity_refused: { closeCode: 4526, httpStatus: 500, meaning: "The fork did not take its own randomness and time." },
  kvm_failed: { closeCode: 4527, httpStatus: 500, meaning: "A KVM call failed." },
  fork_failed: { closeCode: 4528, httpStatus: 500, meaning: "The VM could not be forked." },

  // Told over HTTP only.
  not_found: { closeCode: null, httpStatus: 404, meaning: "There is nothing at this path." },
  page_not_built: { closeCode: null, httpStatus: 404, meaning: "The page has not been built." },
  method_not_allowed: { closeCode: null, httpStatus: 405, meaning: "The path does not answer this method." },
  request_malformed: {
    closeCode: null,
    httpStatus: 400,
    meaning: "The request's headers contradict each other or are incomplete.",
  },
  media_type_unsupported: { closeCode: null, httpStatus: 415, meaning: "The body must be application/json." },
  body_too_large: { closeCode: null, httpStatus: 413, meaning: "The body is larger than allowed." },
  invalid_request: { closeCode: null, httpStatus: 400, meaning: "A field of the body is missing or has a bad value." },
  language_unknown: { closeCode: null, httpStatus: 400, meaning: "There is no such language here." },
  session_unknown: { closeCode: null, httpStatus: 404, meaning: "There is no session with this id." },
  upgrade_required: { closeCode: null, httpStatus: 426, meaning: "The path speaks WebSocket only." },
} as const satisfies Record<string, FailureInfo>;

/** A code of {@link FAILURES}. */
export type FailureCode = keyof typeof FAILURES;

/** What is known of a code; undefined for one of a newer server. */
export function failureInfo(code: string): FailureInfo | undefined {
  return Object.hasOwn(FAILURES, code) ? FAILURES[code as FailureCode] : undefined;
}
