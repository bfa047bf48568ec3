"""Where the server is."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional
from urllib.parse import quote, urlsplit

from .errors import InvalidOptionError

_DEFAULT_URL = "http://127.0.0.1:8080"
_TLS_OF = {"http": False, "ws": False, "https": True, "wss": True}
_HEADER_TEXT = re.compile(r"[\x21-\x7e]+")


class Server(NamedTuple):
    """One server, by HTTP and WebSocket alike."""

    tls: bool
    host: str
    port: int
    #: As in the Host header.
    authority: str
    #: In front of every path of the API, without a slash at its end.
    base_path: str


def server_of(url: Optional[str]) -> Server:
    """The server at an http:, https:, ws: or wss: URL; without one at `ZEROBOOT_BASE_URL`, else on this machine.

    Raises InvalidOptionError.
    """
    text = url if url is not None else os.environ.get("ZEROBOOT_BASE_URL") or _DEFAULT_URL
    try:
        parts = urlsplit(text)
        port = parts.port
    except (ValueError, AttributeError, TypeError):
        raise InvalidOptionError("url is not a URL") from None
    tls = _TLS_OF.get(parts.scheme)
    if tls is None:
        raise InvalidOptionError("url must begin with http:, https:, ws: or wss:")
    if parts.username is not None or parts.password is not None:
        raise InvalidOptionError("url must not hold a name or password")
    if not parts.hostname or not parts.netloc.isascii() or re.search(r"[\x00-\x20\x7f]", text):
        raise InvalidOptionError("url is not a URL")
    return Server(
        tls=tls,
        host=parts.hostname,
        port=port if port is not None else (443 if tls else 80),
        authority=parts.netloc,
        base_path=quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._"),
    )


def authorization(api_key: Optional[str]) -> "dict[str, str]":
    """The header by which a key travels; none for no key. Raises InvalidOptionError."""
    if api_key is None or api_key == "":
        return {}
    if not isinstance(api_key, str) or _HEADER_TEXT.fullmatch(api_key) is None:
        raise InvalidOptionError("the API key must be printable ASCII without spaces")
    return {"Authorization": f"Bearer {api_key}"}
