"""msgpack, as far as the protocol uses it: plain types, within its limits."""

from __future__ import annotations

import struct
from typing import Any

from ._protocol import MAX_ARRAY_ENTRIES, MAX_DEPTH, MAX_KEY_BYTES, MAX_MAP_ENTRIES, MAX_VALUES


class MsgpackError(ValueError):
    """The bytes are not one msgpack value of plain types, within the limits."""


def pack(value: Any) -> bytes:
    """Raises TypeError for what has no plain form; UnicodeEncodeError for half a character."""
    out = bytearray()
    _pack(value, out)
    return bytes(out)


def _pack(value: Any, out: bytearray) -> None:
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        out += _integer(value)
    elif isinstance(value, float):
        out += struct.pack("!Bd", 0xCB, value)
    elif isinstance(value, str):
        text = value.encode("utf-8")
        out += _head(len(text), 0xA0, 31, (0xD9, 0xDA, 0xDB))
        out += text
    elif isinstance(value, (bytes, bytearray, memoryview)):
        out += _head(len(value), 0, -1, (0xC4, 0xC5, 0xC6))
        out += value
    elif isinstance(value, (list, tuple)):
        out += _head(len(value), 0x90, 15, (None, 0xDC, 0xDD))
        for item in value:
            _pack(item, out)
    elif isinstance(value, dict):
        out += _head(len(value), 0x80, 15, (None, 0xDE, 0xDF))
        for key, item in value.items():
            _pack(key, out)
            _pack(item, out)
    else:
        raise TypeError(f"{type(value).__name__} has no form in msgpack")


def _head(length: int, short: int, longest_short: int, wide: "tuple[Any, int, int]") -> bytes:
    """The head of a value with a length, in the shortest of its forms."""
    if length <= longest_short:
        return bytes([short | length])
    if wide[0] is not None and length < 0x100:
        return struct.pack("!BB", wide[0], length)
    if length < 0x10000:
        return struct.pack("!BH", wide[1], length)
    return struct.pack("!BI", wide[2], length)


def _integer(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack("!b" if value < 0 else "!B", value)
    forms = _SIGNED if value < 0 else _UNSIGNED
    for head, form, limit in forms:
        if (value >= limit) if value < 0 else (value < limit):
            return struct.pack(form, head, value)
    raise TypeError("an integer of more than 64 bits has no form in msgpack")


_UNSIGNED = [(0xCC, "!BB", 1 << 8), (0xCD, "!BH", 1 << 16), (0xCE, "!BI", 1 << 32), (0xCF, "!BQ", 1 << 64)]
_SIGNED = [(0xD0, "!Bb", -(1 << 7)), (0xD1, "!Bh", -(1 << 15)), (0xD2, "!Bi", -(1 << 31)), (0xD3, "!Bq", -(1 << 63))]


def unpack(message: bytes) -> Any:
    """The one value of a message. Raises MsgpackError."""
    decoder = _Decoder(message)
    try:
        value = decoder.value(0)
    except struct.error:
        raise MsgpackError("truncated") from None
    if decoder.at != len(message):
        raise MsgpackError(f"trailing bytes at byte {decoder.at}")
    return value


class _Decoder:
    """Its recursion ends at MAX_DEPTH, and no length is believed before the bytes are seen to be there."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self.at = 0
        self._values = 0

    def value(self, depth: int) -> Any:
        start = self.at
        self._values += 1
        if self._values > MAX_VALUES:
            raise MsgpackError(f"too many values at byte {start}")
        head = self._number(_U8)
        if head < 0x80:
            return head
        if head >= 0xE0:
            return head - 0x100
        if head < 0x90:
            return self._map(head & 0x0F, depth, start)
        if head < 0xA0:
            return self._array(head & 0x0F, depth, start)
        if head < 0xC0:
            return self._text(head & 0x1F)
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if head in _NUMBERS:
            number = self._number(_NUMBERS[head])
            # JavaScript has one kind of number, and may write large integers as floats.
            is_whole = isinstance(number, float) and abs(number) <= 2**53 and number.is_integer()
            return int(number) if is_whole else number
        if 0xC4 <= head <= 0xC6:
            return self._bytes(self._number(_LENGTHS[head - 0xC4]))
        if 0xD9 <= head <= 0xDB:
            return self._text(self._number(_LENGTHS[head - 0xD9]))
        if head in (0xDC, 0xDD):
            return self._array(self._number(_LENGTHS[head - 0xDB]), depth, start)
        if head in (0xDE, 0xDF):
            return self._map(self._number(_LENGTHS[head - 0xDD]), depth, start)
        raise MsgpackError(f"an extension or invalid byte at byte {start}")

    def _number(self, form: struct.Struct) -> Any:
        (number,) = form.unpack_from(self._message, self.at)
        self.at += form.size
        return number

    def _bytes(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._message):
            raise MsgpackError(f"truncated at byte {self.at}")
        data = self._message[self.at : end]
        self.at = end
        return data

    def _text(self, length: int) -> str:
        start = self.at
        try:
            return self._bytes(length).decode("utf-8")
        except UnicodeDecodeError:
            raise MsgpackError(f"invalid UTF-8 at byte {start}") from None

    def _array(self, length: int, depth: int, start: int) -> "list[Any]":
        self._check(length, MAX_ARRAY_ENTRIES, depth, start)
        return [self.value(depth + 1) for _ in range(length)]

    def _map(self, length: int, depth: int, start: int) -> "dict[str, Any]":
        self._check(length, MAX_MAP_ENTRIES, depth, start)
        entries: "dict[str, Any]" = {}
        for _ in range(length):
            key_at = self.at
            key = self._key()
            if key in entries:
                raise MsgpackError(f"duplicate key at byte {key_at}")
            entries[key] = self.value(depth + 1)
        return entries

    def _key(self) -> str:
        start = self.at
        head = self._number(_U8)
        if 0xA0 <= head < 0xC0:
            length = head & 0x1F
        elif 0xD9 <= head <= 0xDB:
            length = self._number(_LENGTHS[head - 0xD9])
        else:
            raise MsgpackError(f"a key that is no string at byte {start}")
        if length > MAX_KEY_BYTES:
            raise MsgpackError(f"a key too long at byte {start}")
        return self._text(length)

    def _check(self, length: int, limit: int, depth: int, start: int) -> None:
        if depth >= MAX_DEPTH:
            raise MsgpackError(f"too deep at byte {start}")
        if length > limit:
            raise MsgpackError(f"a container too large at byte {start}")


_U8, _U16, _U32, _U64 = (struct.Struct(form) for form in ("!B", "!H", "!I", "!Q"))
_LENGTHS = (_U8, _U16, _U32)
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: struct.Struct("!f"),
    0xCB: struct.Struct("!d"),
    0xCC: _U8,
    0xCD: _U16,
    0xCE: _U32,
    0xCF: _U64,
    0xD0: struct.Struct("!b"),
    0xD1: struct.Struct("!h"),
    0xD2: struct.Struct("!i"),
    0xD3: struct.Struct("!q"),
}
