"""The bytes of a dump, taken one after the other: lengths, strings, numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from ils_pipelines.operations.backup.rdb.errors import RdbCorrupt

_LONGEST = 1 << 30
"""No string is longer: servers take half of it from their clients, and pack no more than this into one."""
_NUMBERS = {0: "<b", 1: "<h", 2: "<i"}
"""How a string is written that is a small number."""
_COMPRESSED = 3


class Source:
    """Holds one piece of what comes, or as many as the string that is taken reaches over."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next bytes. Raises `RdbCorrupt` when there are not so many."""
        if self._at + size > len(self._held):
            self._fetch(size)
        found = self._held[self._at : self._at + size]
        self._at += size
        return found

    def _fetch(self, size: int) -> None:
        if size > _LONGEST:
            raise RdbCorrupt(f"expected a string of at most {_LONGEST} bytes, found one of {size}")
        parts = [self._held[self._at :]]
        there = len(parts[0])
        while there < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise RdbCorrupt(f"expected {size} more bytes, found that it ends after {there}")
            parts.append(chunk)
            there += len(chunk)
        self._held, self._at = b"".join(parts), 0

    def number(self, form: str) -> int:
        """As the module `struct` has it."""
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def length(self) -> int:
        """How many of something come next, or a number that is written like that."""
        found, special = self._length()
        if special:
            raise RdbCorrupt(f"expected a length, found the mark of a special string ({found})")
        return found

    def string(self) -> bytes:
        """Uncompressed; numbers as their decimal digits."""
        found, special = self._length()
        if not special:
            return self.take(found)
        if found in _NUMBERS:
            return str(self.number(_NUMBERS[found])).encode()
        if found != _COMPRESSED:
            raise RdbCorrupt(f"expected a string, found the unknown mark {found}")
        packed, size = self.length(), self.length()
        return unpacked(self.take(packed), size)

    def _length(self) -> tuple[int, bool]:
        first = self.take(1)[0]
        kind, rest = first >> 6, first & 0x3F
        if kind == 0:
            return rest, False
        if kind == 1:
            return rest << 8 | self.take(1)[0], False
        if kind == 2:
            return self.number(">Q" if rest else ">I"), False
        return rest, True


def unpacked(packed: bytes, size: int) -> bytes:
    """What LZF compressed. Raises `RdbCorrupt`."""
    out, at = bytearray(), 0
    try:
        while at < len(packed):
            control = packed[at]
            if control < 32:
                out += packed[at + 1 : at + 2 + control]
                at += 2 + control
                continue
            length, at = control >> 5, at + 1
            if length == 7:
                length, at = length + packed[at], at + 1
            start, at = len(out) - ((control & 31) << 8 | packed[at]) - 1, at + 1
            _repeat(out, start, length + 2)
    except IndexError:
        raise RdbCorrupt("expected a compressed string, found that it ends in the middle") from None
    if len(out) != size:
        raise RdbCorrupt(f"expected a compressed string of {size} bytes, found {len(out)}")
    return bytes(out)


def _repeat(out: bytearray, start: int, length: int) -> None:
    """Append what was there before; it may reach into what it appends."""
    if start < 0:
        raise RdbCorrupt("expected a compressed string, found that it refers to what is before its beginning")
    period = bytes(out[start : start + length])
    out += (period * (length // len(period) + 1))[:length]
