/**
 * Every limit of the protocol, with its unit in its name. Those a server may lower are announced
 * in `ready.limits`; docs/protocol.md says what happens when one is hit.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** WebSocket subprotocol: the protocol's name and version. */
export const SUBPROTOCOL = "zeroboot.v1.msgpack";
/** Prefix of the second subprotocol entry by which a browser hands over its API key; never echoed. */
export const BEARER_SUBPROTOCOL_PREFIX = "bearer.";
/** `ready.protocol`. */
export const PROTOCOL_VERSION = 1;

/** Source text of one cell, in bytes of UTF-8. */
export const MAX_CODE_BYTES = 1 * MIB;
/** One WebSocket message from client to server: a cell of full size and all that goes with it. */
export const MAX_CLIENT_FRAME_BYTES = MAX_CODE_BYTES + 64 * KIB;
/** One WebSocket message from server to client. */
export const MAX_SERVER_FRAME_BYTES = 1 * MIB;
/** Payload of one stdin frame, bytes. */
export const MAX_STDIN_CHUNK_BYTES = 64 * KIB;
/** Standard input held for a cell that does not read it, bytes. */
export const MAX_QUEUED_STDIN_BYTES = 1 * MIB;
/** Payload of one stdout or stderr frame, bytes. */
export const MAX_OUTPUT_CHUNK_BYTES = 64 * KIB;
/**
 * A result or display over all its MIME types, bytes. Text of `text/plain` is cut, any other part that does not fit is
 * left out whole, and the execution marked `truncated`. As large as a message can hold, for pictures.
 */
export const MAX_BUNDLE_BYTES = 960 * KIB;
/** An error's name, message and traceback together, bytes; more is cut and the execution marked `truncated`. */
export const MAX_ERROR_BYTES = 256 * KIB;

/** Output payload a server may send before the client has returned any credit, bytes. */
export const INITIAL_CREDIT_BYTES = 256 * KIB;
/** Credit a server remembers, and the most one credit frame may grant, bytes. */
export const MAX_CREDIT_BYTES = 16 * MIB;
/** The SDK returns credit each time this much output was consumed, bytes. */
export const CREDIT_RETURN_BYTES = 64 * KIB;

/** Executions of one session that have not ended, the running one included. */
export const MAX_QUEUED_EXECUTIONS = 64;
/** Code waiting in one session's queue over all its executions, bytes of UTF-8. */
export const MAX_QUEUED_CODE_BYTES = 4 * MIB;
/** An execution's id, UTF-16 code units; at least one. */
export const MAX_ID_LENGTH = 64;
/** Environment variables of one cell. */
export const MAX_ENV_ENTRIES = 32;
/** One `NAME=VALUE` of a cell's environment, bytes of UTF-8. */
export const MAX_ENV_ENTRY_BYTES = 4 * KIB;
/** `ping.nonce`: an unsigned integer up to this. */
export const MAX_NONCE = 0xffff_ffff;

/** A cell's running time when it names none, milliseconds. */
export const DEFAULT_TIMEOUT_MS = 60_000;
/** The longest running time a cell may ask for, milliseconds. */
export const MAX_TIMEOUT_MS = 3_600_000;

/** Containers within containers of one message, its own map included. */
export const MAX_DEPTH = 8;
/** Entries of one map. */
export const MAX_MAP_ENTRIES = 64;
/** Elements of one array. */
export const MAX_ARRAY_ENTRIES = 256;
/** Values of one message: keys, elements and containers. */
export const MAX_VALUES = 4096;
/** A map's key, bytes of UTF-8. */
export const MAX_KEY_BYTES = 128;
