"""What is kept of a stream."""

from __future__ import annotations

import codecs
from typing import List


class KeptOutput:
    """All of a stream up to a limit, then its first and its last half-limit.

    Bytes are copied together, so that many short pieces cost no more than their bytes.
    """

    def __init__(self, max_bytes: int) -> None:
        self._head_bytes = -(-max_bytes // 2)
        self._tail_bytes = max_bytes // 2
        self._head = bytearray()
        #: Cut back to its size whenever it has twice that, so that each byte is moved once.
        self._tail = bytearray()
        self._total = 0

    def add(self, chunk: bytes) -> None:
        self._total += len(chunk)
        room = self._head_bytes - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if not chunk or self._tail_bytes == 0:
            return
        self._tail += chunk
        if len(self._tail) > 2 * self._tail_bytes:
            del self._tail[: -self._tail_bytes]

    @property
    def omitted_bytes(self) -> int:
        """Between head and tail."""
        return self._total - len(self._head) - len(self._last())

    def text(self) -> str:
        """What was kept, with a line in place of what was not."""
        tail = self._last()
        if self.omitted_bytes == 0:
            return (bytes(self._head) + tail).decode("utf-8", "replace")
        # The cuts may fall inside a character: leave its pieces out.
        head = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._head))
        return head + self._mark() + tail[_character_start(tail) :].decode("utf-8", "replace")

    def chunks(self) -> List[bytes]:
        """As `text`, undecoded."""
        mark = self._mark().encode() if self.omitted_bytes else b""
        return [chunk for chunk in (bytes(self._head), mark, self._last()) if chunk]

    def _last(self) -> bytes:
        return bytes(self._tail[-self._tail_bytes :]) if self._tail_bytes else b""

    def _mark(self) -> str:
        return f"\n[{self.omitted_bytes} bytes left out]\n"


def _character_start(data: bytes) -> int:
    """Offset of the first byte that does not continue a character."""
    at = 0
    while at < min(3, len(data)) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
