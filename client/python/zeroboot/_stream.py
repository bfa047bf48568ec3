"""A socket that one thread reads while others write, with or without TLS."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from typing import Optional, Union

from ._url import Server

_READ_BYTES = 64 * 1024

Bytes = Union[bytes, bytearray, memoryview]


class Stream:
    """A connected socket.

    One thread may receive and one may send at the same time. OpenSSL allows no two calls on one connection at once, so
    that the socket does not block, each call is made under a lock, and waiting is done outside of it.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._calls = threading.Lock()
        self._gone = False

    def receive_into(self, room: memoryview, deadline: Optional[float] = None) -> int:
        """Bytes that came, at least one; 0 at the end. Raises OSError, TimeoutError past the deadline."""
        while True:
            with self._calls:
                try:
                    return self._socket.recv_into(room)
                except ssl.SSLWantWriteError:
                    wants_write = True
                except (BlockingIOError, ssl.SSLWantReadError):
                    wants_write = False
            self._wait(wants_write, deadline)

    def send_all(self, data: Bytes, deadline: Optional[float] = None) -> None:
        """Raises OSError, TimeoutError past the deadline; then some of it may have been sent."""
        rest = memoryview(data)
        while rest:
            with self._calls:
                try:
                    rest = rest[self._socket.send(rest) :]
                    continue
                except ssl.SSLWantReadError:
                    wants_write = False
                except (BlockingIOError, ssl.SSLWantWriteError):
                    wants_write = True
            self._wait(wants_write, deadline)

    def shut_down(self) -> None:
        """Whoever receives or sends is told that it is over. From any thread, any number of times."""
        with self._calls:
            self._gone = True
            try:
                # Not by the TLS socket's own method, which would go on without TLS.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        """Once nobody receives or sends any more: the descriptor's number may be another's at once."""
        with self._calls:
            self._gone = True
            self._socket.close()

    def _wait(self, wants_write: bool, deadline: Optional[float]) -> None:
        if self._gone:
            raise ConnectionAbortedError("the connection was closed here")
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError("no answer in time")
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT if wants_write else select.POLLIN)
            poll.poll(None if left is None else max(1, int(left * 1000)))
        else:  # Windows, whose select() takes descriptors of any number.
            one, none = [self._socket], []  # type: ignore[var-annotated]
            select.select(none if wants_write else one, one if wants_write else none, one, left)


class Reader:
    """What a stream brings, in pieces of any size. For one thread."""

    def __init__(self, stream: Stream, deadline: Optional[float] = None) -> None:
        self._stream = stream
        #: When to give up waiting with TimeoutError, in `time.monotonic()`'s seconds.
        self.deadline = deadline
        self._buffer = bytearray(_READ_BYTES)
        self._room = memoryview(self._buffer)
        self._start = 0
        self._end = 0

    def exactly(self, count: int) -> bytes:
        """So many bytes. Raises EOFError if fewer come, OSError."""
        have = self._end - self._start
        if count <= have or count <= 16:
            while self._end - self._start < count:
                self._fill()
            return self._take(count)
        # What is long goes right to where it is wanted.
        whole = bytearray(count)
        room = memoryview(whole)
        room[:have] = self._take(have)
        while have < count:
            got = self._stream.receive_into(room[have:], self.deadline)
            if got == 0:
                raise EOFError
            have += got
        return bytes(whole)

    def head(self, limit: int) -> bytes:
        """Up to an empty line, which is included. Raises EOFError, OSError; ValueError if it is longer than `limit`."""
        while True:
            end = self._buffer.find(b"\r\n\r\n", self._start, self._end)
            if end >= 0:
                return self._take(end + 4 - self._start)
            if self._end - self._start >= min(limit, _READ_BYTES):
                raise ValueError("the header is too long")
            self._fill()

    def rest(self, limit: int) -> bytes:
        """Up to so many bytes, as far as they come before the end."""
        parts = [self._take(min(limit, self._end - self._start))]
        left = limit - len(parts[0])
        try:
            while left > 0:
                self._fill()
                parts.append(self._take(min(left, self._end - self._start)))
                left -= len(parts[-1])
        except (EOFError, OSError):
            pass
        return b"".join(parts)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._room[self._start : self._start + count])
        self._start += count
        return taken

    def _fill(self) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == _READ_BYTES:
            have = self._end - self._start
            self._room[:have] = bytes(self._room[self._start : self._end])
            self._start, self._end = 0, have
        got = self._stream.receive_into(self._room[self._end :], self.deadline)
        if got == 0:
            raise EOFError
        self._end += got


def open_stream(server: Server, context: Optional[ssl.SSLContext], deadline: float) -> Stream:
    """Raises OSError, TimeoutError past the deadline."""
    try:
        sock = socket.create_connection((server.host, server.port), timeout=max(0.001, deadline - time.monotonic()))
    except socket.timeout:
        raise TimeoutError("no answer in time") from None
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if server.tls:
            context = context if context is not None else ssl.create_default_context()
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            sock = context.wrap_socket(sock, server_hostname=server.host)
        return Stream(sock)
    except socket.timeout:
        sock.close()
        raise TimeoutError("no answer in time") from None
    except BaseException:
        sock.close()
        raise
