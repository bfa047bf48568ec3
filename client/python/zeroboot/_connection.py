"""Frames over a WebSocket, and why a connection ended."""

from __future__ import annotations

import json
import ssl
import time
from typing import Optional
from urllib.parse import quote

from ._frames import Frame, FrameError, ends_session, frame_from
from ._handshake import HandshakeRefused, shake_hands
from ._msgpack import pack
from ._outbox import Outbox
from ._protocol import CLOSE_CODES, MAX_SERVER_FRAME_BYTES, PROTOCOL_VERSION, SUBPROTOCOL
from ._stream import Reader, open_stream
from ._url import authorization, server_of
from ._websocket import WebSocket, WebSocketClosed, WebSocketError
from .errors import ConnectionError, ProtocolError, SessionClosedError, SessionRefusedError, ZerobootError

#: Of the close codes that belong to one code alone.
_CODES_OF_CLOSE = {
    close: code for code, close in CLOSE_CODES.items() if list(CLOSE_CODES.values()).count(close) == 1
}


class Connection:
    """A session's connection, from its `ready`. One thread receives, any may send."""

    def __init__(
        self,
        url: Optional[str],
        api_key: Optional[str],
        template: Optional[str],
        timeout: float,
        context: Optional[ssl.SSLContext],
    ) -> None:
        """Raises InvalidOptionError, ConnectionError, SessionRefusedError, ProtocolError."""
        server = server_of(url)
        headers = authorization(api_key)
        query = "" if template is None else f"?template={quote(template, safe='')}"
        deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._reason: Optional[ZerobootError] = None
        self._is_ready = False
        try:
            self._stream = open_stream(server, context, deadline)
        except (OSError, UnicodeError) as error:
            raise _connect_error(error, timeout) from error
        try:
            reader = Reader(self._stream, deadline)
            target = f"{server.base_path}/v1/session{query}"
            shake_hands(
                self._stream,
                reader,
                authority=server.authority,
                target=target,
                subprotocol=SUBPROTOCOL,
                headers=headers,
            )
            self._socket = WebSocket(self._stream, reader, MAX_SERVER_FRAME_BYTES)
            # A server that has accepted the upgrade has yet to fork.
            self.ready = self._first_frame()
            reader.deadline = None
        except HandshakeRefused as refusal:
            self._stream.close()
            raise _refusal_error(refusal) from None
        except (EOFError, OSError) as error:
            self._stream.close()
            # This package's own are OSErrors, too.
            raise error if isinstance(error, ZerobootError) else _connect_error(error, timeout) from error
        except BaseException:
            self._stream.close()
            raise
        self._outbox = Outbox(self._socket)

    def send(self, frame: Frame) -> None:
        """Raises ZerobootError `send_queue_full`."""
        self._outbox.put(pack(frame))

    def send_packed(self, message: bytes) -> None:
        """As `send`."""
        self._outbox.put(message)

    def receive(self) -> Frame:
        """The next frame that means something here. Raises ZerobootError: why there are no more."""
        while True:
            try:
                frame = frame_from(self._socket.receive())
            except FrameError as error:
                raise self._broken(1002, f"the server sent a frame that is not understood: {error}") from None
            except WebSocketError as error:
                raise self._broken(error.close_code, f"the server sent {error}") from None
            except WebSocketClosed as closed:
                raise self._reason or self._explain(closed) from None
            except (EOFError, OSError) as error:
                raise self._reason or self._lost(error) from None
            if frame is None:
                continue
            if frame["type"] == "closed":
                self._reason = self._end_error(frame["reason"], frame.get("message"))
                continue
            if frame["type"] == "failure" and ends_session(frame) and self._reason is None:
                self._reason = self._end_error(frame["code"], frame["message"])
            return frame

    def close(self) -> None:
        """Take leave; the receiving thread ends when the server has answered."""
        self._outbox.close()

    def abort(self) -> None:
        """The receiving thread ends at once."""
        self._stream.shut_down()

    def release(self) -> None:
        """By the receiving thread, at its end."""
        self._stream.shut_down()
        self._outbox.join()
        self._stream.close()

    def _first_frame(self) -> Frame:
        while True:
            frame = self.receive()
            if frame["type"] == "failure":
                continue  # It explains the end that follows.
            if frame["type"] != "ready":
                raise self._broken(1002, f"the server began with {frame['type']}")
            if frame["protocol"] != PROTOCOL_VERSION:
                raise self._broken(1002, f"the server speaks version {frame['protocol']} of the protocol")
            self._is_ready = True
            return frame

    def _end_error(self, code: str, message: Optional[str]) -> ZerobootError:
        text = message or f"the server ended the session: {code}"
        return SessionClosedError(code, text) if self._is_ready else SessionRefusedError(code, text)

    def _explain(self, closed: WebSocketClosed) -> ZerobootError:
        code = _CODES_OF_CLOSE.get(closed.code)
        return self._end_error(code, closed.reason) if code is not None else self._lost(closed)

    def _lost(self, error: Exception) -> ZerobootError:
        if self._is_ready:
            return SessionClosedError("connection_lost", f"the connection was lost: {str(error) or 'the server hung up'}")
        return _connect_error(error, self._timeout)

    def _broken(self, close_code: int, message: str) -> ProtocolError:
        try:
            self._socket.close(close_code)
        except OSError:
            pass
        self._stream.shut_down()
        return ProtocolError(message)


def _connect_error(error: Exception, timeout: float) -> ConnectionError:
    if isinstance(error, TimeoutError):
        return ConnectionError("connect_timeout", f"no session within {timeout:g} seconds")
    return ConnectionError("connect_failed", f"cannot connect: {str(error) or 'the server hung up'}")


def _refusal_error(refusal: HandshakeRefused) -> ZerobootError:
    """The handshake was answered by HTTP: with an error body of this server, or by something else."""
    try:
        told = json.loads(refusal.body)
        code, text = told["code"], told["error"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        code = text = None
    if isinstance(code, str):
        return SessionRefusedError(code, text if isinstance(text, str) else str(refusal))
    return ConnectionError("connect_failed", f"no session endpoint answers there: {refusal}")
