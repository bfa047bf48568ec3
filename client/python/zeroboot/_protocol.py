"""Names and numbers of docs/protocol.md. A test compares them with the sources of the server's own client."""

from __future__ import annotations

SUBPROTOCOL = "zeroboot.v1.msgpack"
PROTOCOL_VERSION = 1

#: One message from client to server, bytes.
MAX_CLIENT_FRAME_BYTES = 1088 * 1024
#: One message from server to client, bytes.
MAX_SERVER_FRAME_BYTES = 1024 * 1024
#: Payload of one stdin frame, bytes.
MAX_STDIN_CHUNK_BYTES = 64 * 1024
#: Standard input that a server holds for a cell that does not read it, bytes.
MAX_QUEUED_STDIN_BYTES = 1024 * 1024
#: Credit is returned each time this much output was consumed, bytes.
CREDIT_RETURN_BYTES = 64 * 1024
MAX_NONCE = 0xFFFF_FFFF

MAX_DEPTH = 8
MAX_MAP_ENTRIES = 64
MAX_ARRAY_ENTRIES = 256
MAX_VALUES = 4096
MAX_KEY_BYTES = 128

#: The failures that end a connection, and the WebSocket close code that follows each.
CLOSE_CODES = {
    "unauthorized": 4401,
    "key_expired": 4402,
    "key_not_permitted": 4431,
    "origin_forbidden": 4403,
    "host_forbidden": 4421,
    "subprotocol_unsupported": 4406,
    "options_invalid": 4400,
    "template_unknown": 4404,
    "starting": 4503,
    "template_building": 4504,
    "template_failed": 4505,
    "capacity_exhausted": 4529,
    "key_capacity_exhausted": 4430,
    "rate_limited": 4429,
    "text_message": 1003,
    "malformed_frame": 1007,
    "invalid_utf8": 1007,
    "frame_too_large": 1009,
    "too_many_failures": 1008,
    "session_closed": 1000,
    "shutting_down": 1001,
    "internal": 1011,
    "session_deleted": 4410,
    "idle_timeout": 4408,
    "lifetime_exceeded": 4411,
    "slow_reader": 4413,
    "output_limit": 4414,
    "guest_panic": 4520,
    "guest_reset": 4521,
    "triple_fault": 4522,
    "agent_exited": 4523,
    "out_of_memory": 4530,
    "protocol_violation": 4524,
    "emulation_failure": 4525,
    "identity_refused": 4526,
    "kvm_failed": 4527,
    "fork_failed": 4528,
}
