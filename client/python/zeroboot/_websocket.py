"""The client's side of RFC 6455 on a stream, for binary messages. No extensions."""

from __future__ import annotations

import os
import struct
import threading
import time
from typing import Optional

from ._stream import Reader, Stream

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_MAX_CONTROL_BYTES = 125
#: How long a peer may leave what is sent to it, seconds; and a close frame, or who sends when there is one to send.
_SEND_TIMEOUT = 30.0
_CLOSE_TIMEOUT = 2.0


class WebSocketError(Exception):
    """The peer broke the rules. `close_code` is what it is to be told."""

    def __init__(self, close_code: int, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code


class WebSocketClosed(Exception):
    """The peer has closed: with a code, which is 1005 if it gave none, and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"close code {code}")
        self.code = code
        self.reason = reason


class WebSocket:
    """A connection behind its handshake. One thread receives, any may send."""

    def __init__(self, stream: Stream, reader: Reader, max_message_bytes: int) -> None:
        self._stream = stream
        self._reader = reader
        self._max_message_bytes = max_message_bytes
        self._sending = threading.Lock()
        self._closing = False

    def receive(self) -> bytes:
        """The next message. Raises WebSocketClosed, WebSocketError, EOFError, OSError."""
        parts: "list[bytes]" = []
        size = 0
        while True:
            final, opcode, length = self._frame_head()
            if opcode >= _CLOSE:
                self._control(opcode, self._reader.exactly(length))
                continue
            if (opcode == _CONTINUATION) != bool(parts):
                raise WebSocketError(1002, "a continuation of nothing, or a message within another")
            if opcode == _TEXT:
                raise WebSocketError(1003, "a text message")
            size += length
            # Empty fragments count, too: there must not be any number of them.
            if size > self._max_message_bytes or len(parts) >= 1024:
                raise WebSocketError(1009, f"a message of more than {self._max_message_bytes} bytes")
            payload = self._reader.exactly(length)
            if final:
                return b"".join([*parts, payload]) if parts else payload
            parts.append(payload)

    def send(self, message: bytes) -> None:
        """Raises OSError, TimeoutError if the peer does not take it; then, or when interrupted, the stream is shut
        down, because a message may have been sent in part. Does nothing once closing."""
        self._send(_BINARY, message)

    def close(self, code: int) -> None:
        """Say that nothing follows. Does nothing the second time. Raises as `send`."""
        self._send(_CLOSE, struct.pack("!H", code))

    def _send(self, opcode: int, payload: bytes) -> None:
        frame = frame_of(opcode, payload)
        patience = _CLOSE_TIMEOUT if opcode == _CLOSE else _SEND_TIMEOUT
        if not self._sending.acquire(timeout=patience):
            self._stream.shut_down()
            raise TimeoutError("the peer does not take what is sent to it")
        try:
            if self._closing:
                return
            self._closing = opcode == _CLOSE
            self._stream.send_all(frame, time.monotonic() + patience)
        except BaseException:
            self._stream.shut_down()
            raise
        finally:
            self._sending.release()

    def _frame_head(self) -> "tuple[bool, int, int]":
        first, second = self._reader.exactly(2)
        opcode, length = first & 0x0F, second & 0x7F
        if first & 0x70:
            raise WebSocketError(1002, "an extension that was not agreed on")
        if second & 0x80:
            raise WebSocketError(1002, "a masked frame of a server")
        if opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG):
            raise WebSocketError(1002, f"a frame of unknown kind {opcode}")
        final = bool(first & 0x80)
        if opcode >= _CLOSE and (not final or length > _MAX_CONTROL_BYTES):
            raise WebSocketError(1002, "a control frame that is long or in parts")
        if length == 126:
            (length,) = struct.unpack("!H", self._reader.exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._reader.exactly(8))
        return final, opcode, length

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            code, reason = _close_of(payload)
            try:
                # What is sent back is what came.
                self._send(_CLOSE, payload[:2])
            except OSError:
                pass
            raise WebSocketClosed(code, reason)


def frame_of(opcode: int, payload: bytes, mask: Optional[bytes] = None) -> bytes:
    """A whole masked frame."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    elif length < 0x10000:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
    mask = mask if mask is not None else os.urandom(4)
    return head + mask + masked(payload, mask)


def masked(payload: bytes, mask: bytes) -> bytes:
    """All bytes at once, as one long number."""
    length = len(payload)
    pattern = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")).to_bytes(length, "little")


def _close_of(payload: bytes) -> "tuple[int, str]":
    if not payload:
        return 1005, ""
    if len(payload) == 1:
        raise WebSocketError(1002, "half a close code")
    try:
        return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8")
    except UnicodeDecodeError:
        raise WebSocketError(1007, "a close reason that is not UTF-8") from None
