"""What is to be sent, and the thread that sends it."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Optional

from ._protocol import MAX_CLIENT_FRAME_BYTES
from ._websocket import WebSocket
from .errors import ZerobootError

#: Bytes that a slow server may leave here before sending fails.
_MAX_BUFFERED_BYTES = 4 * MAX_CLIENT_FRAME_BYTES


class Outbox:
    """Messages are sent by a thread of their own: a KeyboardInterrupt, which may come at any point of the main thread,
    cannot cut one in two, and the thread that receives never waits for a server that does not."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._queue: "SimpleQueue[Optional[bytes]]" = SimpleQueue()
        self._counting = threading.Lock()
        self._buffered = 0
        self._thread = threading.Thread(target=self._send_all, name="zeroboot-outbox", daemon=True)
        self._thread.start()

    def put(self, message: bytes) -> None:
        """Raises ZerobootError `send_queue_full`."""
        with self._counting:
            if self._buffered + len(message) > _MAX_BUFFERED_BYTES:
                raise ZerobootError("send_queue_full", "the server does not take what is sent to it")
            self._buffered += len(message)
            self._queue.put(message)

    def close(self) -> None:
        """Nothing follows; when what is here has been sent, leave is taken. Any number of times."""
        self._queue.put(None)

    def join(self) -> None:
        """By the thread that receives, once the stream has been shut down."""
        self.close()
        self._thread.join()

    def _send_all(self) -> None:
        try:
            while True:
                message = self._queue.get()
                if message is None:
                    return self._socket.close(1000)
                self._socket.send(message)
                with self._counting:
                    self._buffered -= len(message)
        except OSError:
            pass  # It has shut the stream down; who receives tells why.
