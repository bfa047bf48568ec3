"""The server's side of a session, for tests: a listener that speaks WebSocket by code of its own."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from typing import Any, Dict, List, Optional

from zeroboot._msgpack import pack, unpack

#: Whatever a test waits for comes within this, seconds, or never.
PATIENCE = 20.0

LIMITS = {
    "maxFrameBytes": 1088 * 1024,
    "maxCodeBytes": 1024 * 1024,
    "maxQueuedExecutions": 64,
    "initialCreditBytes": 256 * 1024,
    "defaultTimeoutMs": 60_000,
    "maxTimeoutMs": 3_600_000,
    "maxOutputBytes": 1 << 24,
    "maxSessionOutputBytes": 1 << 30,
    "idleTimeoutMs": 600_000,
    "lifetimeMs": 3_600_000,
    "interruptGraceMs": 1000,
    "memoryMb": 256,
}
READY = {
    "type": "ready",
    "sessionId": "s",
    "vmId": "v",
    "template": "python",
    "protocol": 1,
    "limits": LIMITS,
    "forkTimeUs": 700,
    "resumed": False,
}
DONE = {
    "type": "done",
    "status": "ok",
    "exitCode": 0,
    "executionCount": 1,
    "timings": {"queuedUs": 1, "execUs": 2},
    "truncated": False,
    "stateKept": True,
}


class PeerConnection:
    """One accepted connection, behind its handshake."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE)
        self.request = self._head()
        lines = self.request.split("\r\n")
        self.target = lines[0].split(" ")[1]
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}

    def accept(self, ready: Optional[Dict[str, Any]] = READY, subprotocol: str = "zeroboot.v1.msgpack") -> None:
        key = self.headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer += f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
        self.sock.sendall(answer.encode())
        if ready is not None:
            self.send(ready)

    def send(self, frame: Dict[str, Any]) -> None:
        self.sock.sendall(server_frame(0x82, pack(frame)))

    def output(self, id: str, data: bytes, kind: str = "stdout") -> None:
        self.send({"type": kind, "id": id, "seq": 0, "data": data})

    def done(self, id: str, **fields: Any) -> None:
        self.send({**DONE, "id": id, **fields})

    def close(self, code: int = 1000) -> None:
        self.sock.sendall(server_frame(0x88, struct.pack("!H", code)))

    def next(self, kind: str) -> Dict[str, Any]:
        """The next frame, which must be of this type."""
        opcode, payload = self.read()
        if opcode != 2:
            raise AssertionError(f"{kind} was awaited, and opcode {opcode} came")
        frame = unpack(payload)
        if frame["type"] != kind:
            raise AssertionError(f"{kind} was awaited, and came {frame}")
        return frame

    def read(self) -> "tuple[int, bytes]":
        first, second = self._exactly(2)
        length = second & 0x7F
        if not second & 0x80:
            raise AssertionError("a client's frame without a mask")
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        mask = self._exactly(4)
        data = self._exactly(length)
        return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))

    def leave(self) -> None:
        """Answer the client's leave-taking."""
        opcode, payload = self.read()
        if opcode != 8:
            raise AssertionError(f"the end was awaited, and came opcode {opcode}: {payload!r}")
        self.sock.sendall(server_frame(0x88, payload))
        self.sock.close()

    def _head(self) -> str:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._exactly(1)
        return head[:-4].decode()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data


class Peer:
    """Listens on loopback."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: List[PeerConnection] = []

    def connection(self) -> PeerConnection:
        connection = PeerConnection(self._listener.accept()[0])
        self._connections.append(connection)
        return connection

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.sock.close()


class Background:
    """A call in a thread of its own, with its outcome."""

    def __init__(self, call: Any, *args: Any, **options: Any) -> None:
        self._value: Any = None
        self._error: Optional[BaseException] = None

        def work() -> None:
            try:
                self._value = call(*args, **options)
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def outcome(self) -> Any:
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise AssertionError("the call has not ended")
        if self._error is not None:
            raise self._error
        return self._value

    @property
    def going_on(self) -> bool:
        return self._thread.is_alive()


def server_frame(first: int, payload: bytes) -> bytes:
    """`first`: FIN, reserved bits and opcode."""
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 0x10000:
        return struct.pack("!BBH", first, 126, len(payload)) + payload
    return struct.pack("!BBQ", first, 127, len(payload)) + payload
