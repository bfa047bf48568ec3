"""One request of the REST API."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from typing import Any, Mapping, NamedTuple, Optional

from ._url import Server
from .errors import ConnectionError, ProtocolError, RequestError, ZerobootError

#: Statuses that say to ask again. What may have been run is gone with its virtual machine, which has no network.
_RETRIED = (429, 503)
#: Between two tries where the server names no time, seconds; doubled each time.
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
#: The largest batch of the largest outputs, each byte of them escaped, and room.
_MAX_ANSWER_BYTES = 512 * 1024 * 1024
_READ_BYTES = 64 * 1024


class Api(NamedTuple):
    server: Server
    headers: Mapping[str, str]
    #: How often to ask again when the server says that it is busy.
    retries: int
    ssl_context: Optional[ssl.SSLContext]


class _Answer(NamedTuple):
    status: int
    retry_after: Optional[str]
    body: bytes


def request(api: Api, method: str, path: str, body: Any, timeout: float) -> Any:
    """The JSON of the answer.

    `timeout` is how long the server may be silent, seconds. Raises RequestError if the server refused it,
    ConnectionError if it did not answer, ProtocolError for an answer that means nothing.
    """
    content = None if body is None else json.dumps(body).encode()
    attempt = 0
    while True:
        answer = _ask(api, method, path, content, timeout)
        if 200 <= answer.status < 300:
            return _json_of(answer.body)
        if attempt >= api.retries or answer.status not in _RETRIED:
            raise _error_of(answer)
        time.sleep(_pause_before(attempt, answer.retry_after))
        attempt += 1


def _ask(api: Api, method: str, path: str, content: Optional[bytes], timeout: float) -> _Answer:
    connection = _connection(api, timeout)
    connected = False
    try:
        headers = {"Host": api.server.authority, "Accept": "application/json", "Connection": "close", **api.headers}
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection.connect()
        connected = True
        connection.request(method, api.server.base_path + path, content, headers)
        response = connection.getresponse()
        return _Answer(response.status, response.getheader("Retry-After"), _body_of(response))
    except (OSError, http.client.HTTPException) as error:
        code = "connection_lost" if connected else "connect_failed"
        where = f"{api.server.host} port {api.server.port}"
        raise ConnectionError(code, f"no answer from {where}: {str(error) or type(error).__name__}") from error
    finally:
        connection.close()


def _body_of(response: http.client.HTTPResponse) -> bytes:
    body = bytearray()
    while True:
        part = response.read(_READ_BYTES)
        if not part:
            return bytes(body)
        body += part
        if len(body) > _MAX_ANSWER_BYTES:
            raise ProtocolError("the server's answer has no end")


def _connection(api: Api, timeout: float) -> http.client.HTTPConnection:
    host, port = api.server.host, api.server.port
    if not api.server.tls:
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = api.ssl_context if api.ssl_context is not None else ssl.create_default_context()
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ProtocolError("the server's answer is not JSON") from None


def _error_of(answer: _Answer) -> ZerobootError:
    try:
        told = _json_of(answer.body)
        code, text = told["code"], told["error"]
    except (ProtocolError, KeyError, TypeError, IndexError):
        code = text = None
    if not isinstance(code, str) or not isinstance(text, str):
        return ProtocolError(f"status {answer.status} without a reason: no Zeroboot server")
    return RequestError(code, text, answer.status)


def _pause_before(attempt: int, retry_after: Optional[str]) -> float:
    """Seconds."""
    if retry_after is not None and re.fullmatch("[0-9]{1,9}", retry_after):
        return min(float(retry_after), _LONGEST_PAUSE)
    return min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
