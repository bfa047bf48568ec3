"""Standard input of one execution, in order and without holes, however slowly it is read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol, Union

from ._protocol import MAX_QUEUED_STDIN_BYTES, MAX_STDIN_CHUNK_BYTES
from .errors import InvalidOptionError

if TYPE_CHECKING:
    from ._channels import Channels
    from ._frames import Frame

#: Until input that the server had no room for is sent again, seconds; twice as long each time.
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5


class StdinHost(Protocol):
    """What is needed of the session."""

    def send(self, frame: "Frame") -> None: ...

    def ping(self) -> float: ...


class StdinWriter:
    """A server holds `MAX_QUEUED_STDIN_BYTES` for a cell, and refuses a frame beyond: so much goes out at once.

    From then on one frame is under way at a time, and is sent again while it is refused; a ping behind it tells when
    that is known.
    """

    def __init__(self, id: str, host: StdinHost, channels: "Channels", is_open: bool) -> None:
        self._id = id
        self._host = host
        self._channels = channels
        self._writing = threading.Lock()
        self._is_open = is_open
        self._room_left = MAX_QUEUED_STDIN_BYTES
        self._under_way = False
        self._refused = False

    def write(self, data: Union[str, bytes]) -> None:
        """Returns when the server has taken it, or the execution has ended. Raises InvalidOptionError after `close`."""
        rest = memoryview(data.encode("utf-8") if isinstance(data, str) else data).cast("B")
        with self._writing:
            if self._channels.ended:
                return
            if not self._is_open:
                raise InvalidOptionError('standard input is closed; start with stdin="open"')
            for at in range(0, len(rest), MAX_STDIN_CHUNK_BYTES):
                self._send(bytes(rest[at : at + MAX_STDIN_CHUNK_BYTES]))

    def close(self) -> None:
        """Nothing follows. Idempotent."""
        with self._writing:
            if self._is_open and not self._channels.ended:
                self._is_open = False
                self._host.send({"type": "stdin", "id": self._id, "data": b"", "eof": True})

    def refused(self) -> bool:
        """The server had no room for a frame. Answers whether it is sent again."""
        # One of the first, which the server had to take: what came behind it may be taken, and would make a hole.
        self._refused = self._under_way
        return self._under_way

    def _send(self, chunk: bytes) -> None:
        frame = {"type": "stdin", "id": self._id, "data": chunk}
        if len(chunk) <= self._room_left:
            self._room_left -= len(chunk)
            self._host.send(frame)
            return
        # What is smaller must not overtake it.
        self._room_left = 0
        pause = _FIRST_PAUSE
        while not self._channels.ended:
            self._refused, self._under_way = False, True
            try:
                self._host.send(frame)
                self._host.ping()
            finally:
                self._under_way = False
            if not self._refused:
                return
            if self._channels.wait_ended(pause):
                return
            pause = min(_LONGEST_PAUSE, pause * 2)
