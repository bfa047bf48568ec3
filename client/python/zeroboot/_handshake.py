"""How a connection becomes a WebSocket (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Mapping

from ._stream import Reader, Stream

_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_HEAD_BYTES = 16 * 1024
#: Read of the answer that refused, bytes.
_MAX_REFUSAL_BYTES = 16 * 1024


class HandshakeRefused(Exception):
    """The answer is HTTP, and not a WebSocket that can be used."""

    def __init__(self, status: int, body: bytes, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.body = body


def shake_hands(
    stream: Stream,
    reader: Reader,
    *,
    authority: str,
    target: str,
    subprotocol: str,
    headers: Mapping[str, str],
) -> None:
    """Raises HandshakeRefused, EOFError, OSError; TimeoutError past the reader's deadline."""
    key = base64.b64encode(os.urandom(16))
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {authority}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key.decode()}",
        f"Sec-WebSocket-Protocol: {subprotocol}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    stream.send_all("".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii"), reader.deadline)
    try:
        status, answered = _parse(reader.head(_MAX_HEAD_BYTES))
    except ValueError:
        raise HandshakeRefused(0, b"", "the answer is not HTTP") from None
    if status != 101:
        length = answered.get("content-length", "")
        limit = min(int(length), _MAX_REFUSAL_BYTES) if length.isdecimal() else _MAX_REFUSAL_BYTES
        raise HandshakeRefused(status, reader.rest(limit), f"HTTP status {status}")
    wrong = _complaint(answered, key, subprotocol)
    if wrong:
        raise HandshakeRefused(status, b"", f"the answer has {wrong}")


def accept_of(key: bytes) -> str:
    """What a server answers to a key."""
    return base64.b64encode(hashlib.sha1(key + _ACCEPT_GUID).digest()).decode()


def _complaint(answered: Mapping[str, str], key: bytes, subprotocol: str) -> str:
    tokens = [token.strip().lower() for token in answered.get("connection", "").split(",")]
    if answered.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens:
        return "no upgrade"
    if answered.get("sec-websocket-accept") != accept_of(key):
        return "the wrong key"
    if answered.get("sec-websocket-protocol") != subprotocol:
        return "not the subprotocol"
    return "an extension" if "sec-websocket-extensions" in answered else ""


def _parse(head: bytes) -> "tuple[int, dict[str, str]]":
    """Raises ValueError."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = f"{first} ".split(" ")
    if not version.startswith("HTTP/1.") or len(status) != 3:
        raise ValueError(first)
    fields: "dict[str, str]" = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return int(status), fields
