"""The server's frames: which there are, and what each must hold."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ._msgpack import MsgpackError, unpack
from ._protocol import CLOSE_CODES

Frame = Dict[str, Any]
Check = Callable[[Any], bool]


class FrameError(ValueError):
    """A message that is not a frame of this protocol."""


def frame_from(message: bytes) -> "Frame | None":
    """The frame of a message; None for one of a type that only newer clients know. Raises FrameError."""
    try:
        frame = unpack(message)
    except MsgpackError as error:
        raise FrameError(str(error)) from None
    kind = frame.get("type") if isinstance(frame, dict) else None
    if not isinstance(kind, str):
        raise FrameError("a message that is no frame")
    fields = _FIELDS.get(kind)
    if fields is None:
        return None
    _check(kind, frame, fields)
    return frame


def credit_cost(frame: Frame) -> int:
    """What a frame costs in credit, bytes: its payload, and nothing for what is not output."""
    kind = frame["type"]
    if kind in ("stdout", "stderr"):
        return len(frame["data"])
    if kind in ("result", "display"):
        return sum(_size(part) for part in frame["bundle"].values())
    if kind == "error":
        return sum(_size(frame[name]) for name in ("name", "message", "traceback"))
    return 0


def ends_session(frame: Frame) -> bool:
    """Whether a failure is the last word of a connection."""
    return frame["code"] in CLOSE_CODES and "frame" not in frame


def _size(part: "str | bytes") -> int:
    if isinstance(part, bytes):
        return len(part)
    return len(part) if part.isascii() else len(part.encode("utf-8"))


def _check(where: str, value: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name, check in fields.items():
        if name.endswith("?"):
            if name[:-1] in value and not check(value[name[:-1]]):
                raise FrameError(f"{where}.{name[:-1]} has an unexpected value")
        elif name not in value or not check(value[name]):
            raise FrameError(f"{where}.{name} is missing or has an unexpected value")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _data(value: Any) -> bool:
    return isinstance(value, bytes)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _integer(value) and value >= 0


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _bundle(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(part, (str, bytes)) for part in value.values())


def _counts(*names: str) -> Check:
    return lambda value: isinstance(value, dict) and all(_count(value.get(name)) for name in names)


_LIMITS = _counts(
    "maxFrameBytes",
    "maxCodeBytes",
    "maxQueuedExecutions",
    "initialCreditBytes",
    "defaultTimeoutMs",
    "maxTimeoutMs",
    "maxOutputBytes",
    "maxSessionOutputBytes",
    "idleTimeoutMs",
    "lifetimeMs",
    "interruptGraceMs",
    "memoryMb",
)

#: By type: the fields and what they must be; one that ends in `?` may be absent. Others are passed over.
_FIELDS: "Dict[str, Dict[str, Check]]" = {
    "ready": {
        "sessionId": _text,
        "vmId": _text,
        "template": _text,
        "protocol": _count,
        "limits": _LIMITS,
        "forkTimeUs": _count,
    },
    "started": {"id": _text},
    "stdout": {"id": _text, "data": _data},
    "stderr": {"id": _text, "data": _data},
    "result": {"id": _text, "bundle": _bundle},
    "display": {"id": _text, "bundle": _bundle},
    "error": {"id": _text, "name": _text, "message": _text, "traceback": _text},
    "inputRequest": {"id": _text, "prompt": _text, "password": _flag},
    "done": {
        "id": _text,
        "status": _text,
        "exitCode": _integer,
        "executionCount": _count,
        "timings": _counts("queuedUs", "execUs"),
        "truncated": _flag,
        "stateKept": _flag,
        "stoppedBy?": _text,
    },
    "restarted": {"vmId": _text, "forkTimeUs": _count, "reason": _text},
    "completed": {"id": _text, "matches": _texts, "start": _count, "end": _count},
    "checked": {"id": _text, "status": _text, "indent": _text},
    "inspected": {"id": _text, "found": _flag, "bundle": _bundle},
    "pong": {"nonce": _count},
    "failure": {"code": _text, "message": _text, "frame?": _text, "id?": _text},
    "closed": {"reason": _text, "message?": _text},
}
