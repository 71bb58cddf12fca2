"""Several strings or numbers packed into one string, as servers keep small values."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ils_pipelines.operations.backup.rdb.errors import RdbCorrupt

_END = 0xFF
_INTEGERS = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}
"""Bytes of a number, by its mark."""
_SETS = {2: "<h", 4: "<i", 8: "<q"}


def listpack(packed: bytes) -> Iterator[bytes]:
    """The elements, numbers as their decimal digits. Raises `RdbCorrupt`."""
    try:
        if int.from_bytes(packed[:4], "little") != len(packed):
            raise RdbCorrupt(
                f"expected a listpack of {int.from_bytes(packed[:4], 'little')} bytes, found {len(packed)}"
            )
        at = 6
        while packed[at] != _END:
            value, size = _element(packed, at)
            yield value
            at += size + _backward(size)
        if at + 1 != len(packed):
            raise RdbCorrupt("expected a listpack to end at its end, found more")
    except IndexError:
        raise RdbCorrupt("expected a listpack, found that it ends in the middle") from None


def _element(packed: bytes, at: int) -> tuple[bytes, int]:
    """The element at that place, and how many bytes it takes, without its length that is written behind it."""
    first = packed[at]
    if first < 0x80:
        return str(first).encode(), 1
    if first < 0xC0:
        return _text(packed, at + 1, first & 0x3F), 1 + (first & 0x3F)
    if first < 0xE0:
        value = (first & 0x1F) << 8 | packed[at + 1]
        return str(value - (1 << 13) if value >= 1 << 12 else value).encode(), 2
    if first < 0xF0:
        length = (first & 0x0F) << 8 | packed[at + 1]
        return _text(packed, at + 2, length), 2 + length
    if first == 0xF0:
        length = int.from_bytes(packed[at + 1 : at + 5], "little")
        return _text(packed, at + 5, length), 5 + length
    if first in _INTEGERS:
        digits = _text(packed, at + 1, _INTEGERS[first])
        return str(int.from_bytes(digits, "little", signed=True)).encode(), 1 + len(digits)
    raise RdbCorrupt(f"expected an element of a listpack, found the unknown mark {first}")


def _text(packed: bytes, start: int, length: int) -> bytes:
    found = packed[start : start + length]
    if len(found) != length:
        raise IndexError
    return found


def _backward(size: int) -> int:
    """How many bytes the length of an element takes."""
    return next(taken for taken, most in enumerate((127, 16382, 2097150, 268435454, size), 1) if size <= most)


def intset(packed: bytes) -> Iterator[bytes]:
    """The numbers as their decimal digits. Raises `RdbCorrupt`."""
    width, count = int.from_bytes(packed[:4], "little"), int.from_bytes(packed[4:8], "little")
    if width not in _SETS or len(packed) != 8 + width * count:
        raise RdbCorrupt(f"expected {count} numbers of {width} bytes each, found {len(packed) - 8} bytes of numbers")
    for (value,) in struct.iter_unpack(_SETS[width], packed[8:]):
        yield str(value).encode()
