"""Values, by the type that is written before them: what is read becomes a hash of what it means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ils_pipelines.operations.backup.orderless import OrderlessDigest
from ils_pipelines.operations.backup.rdb.errors import RdbCorrupt, RdbUnknown
from ils_pipelines.operations.backup.rdb.packed import intset, listpack
from ils_pipelines.operations.backup.rdb.source import Source

_FOREVER = -1


@dataclass(frozen=True)
class Part:
    """A whole value, or what of a hash lives for a time of its own."""

    digest: bytes
    until: int | None = None
    """Milliseconds since 1970; None when it lives as long as its key."""


def digest_of(*parts: bytes) -> bytes:
    """Of several strings; where one ends is part of it."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()


def value_of(kind: int, source: Source) -> Iterator[Part]:
    """Read the value of that type. Raises `RdbUnknown` for a type that is not known here, `RdbCorrupt`."""
    reader = _READERS.get(kind)
    if reader is None:
        raise RdbUnknown(
            f"expected a string, list, set, sorted set, hash or stream, found a value of type {kind}, "
            "which is a module's or of a newer engine"
        )
    yield from reader(source)


def _unordered(name: bytes, members: Iterable[bytes]) -> Part:
    digest = OrderlessDigest()
    for member in members:
        digest.add_hash(member)
    return Part(digest_of(name, digest.checksum.encode()))


def _ordered(name: bytes, elements: Iterable[bytes]) -> Part:
    digest = hashlib.sha256(name)
    for element in elements:
        digest.update(b"%d:" % len(element))
        digest.update(element)
    return Part(digest.digest())


def _string(source: Source) -> Iterator[Part]:
    yield Part(digest_of(b"string", source.string()))


def _list(source: Source) -> Iterator[Part]:
    def elements() -> Iterator[bytes]:
        for _node in range(source.length()):
            is_packed = source.length() == 2
            content = source.string()
            yield from listpack(content) if is_packed else (content,)

    yield _ordered(b"list", elements())


def _set(members: Iterable[bytes]) -> Iterator[Part]:
    yield _unordered(b"set", map(digest_of, members))


def _strings(source: Source) -> Iterator[bytes]:
    for _number in range(source.length()):
        yield source.string()


def _sorted_set(members: Iterable[tuple[bytes, float]]) -> Iterator[Part]:
    # A score of minus zero is written as zero or not, as it is packed or not.
    scored = (digest_of(member, repr(score + 0.0).encode()) for member, score in members)
    yield _unordered(b"sorted set", scored)


def _scored(source: Source) -> Iterator[tuple[bytes, float]]:
    for _number in range(source.length()):
        member = source.string()
        yield member, float(source.number("<d"))


def _packed_scores(source: Source) -> Iterator[tuple[bytes, float]]:
    for member, score in _pairs(source):
        try:
            yield member, float(score)
        except ValueError:
            raise RdbCorrupt(f"expected the score of a member, found {score[:40]!r}") from None


def _pairs(source: Source) -> Iterator[tuple[bytes, bytes]]:
    elements = listpack(source.string())
    for first in elements:
        second = next(elements, None)
        if second is None:
            raise RdbCorrupt("expected pairs of elements, found one without the other")
        yield first, second


def _hash(fields: Iterable[tuple[bytes, bytes]]) -> Iterator[Part]:
    yield _unordered(b"hash", (digest_of(field, value) for field, value in fields))


def _fields(source: Source) -> Iterator[tuple[bytes, bytes]]:
    for _number in range(source.length()):
        field = source.string()
        yield field, source.string()


def _hash_with_times(source: Source) -> Iterator[Part]:
    """Of Valkey 9: a time for each field. Those that run out are parts of their own; the key is there while a field is."""
    lasting: list[bytes] = []
    for _number in range(source.length()):
        digest = digest_of(source.string(), source.string())
        until = source.number("<q")
        if until == _FOREVER:
            lasting.append(digest)
        else:
            yield Part(digest_of(b"field", digest), until)
    if lasting:
        yield _unordered(b"hash", lasting)


def _stream(source: Source, *, says_when_active: bool) -> Iterator[Part]:
    yield _ordered(b"stream", _of_stream(source, says_when_active=says_when_active))


def _of_stream(source: Source, *, says_when_active: bool) -> Iterator[bytes]:
    """Entries, counters, groups with what is pending. When consumers were last seen or active is left out: older files
    have one of these times, newer ones both.
    """
    for _node in range(source.length()):
        yield source.string()
        yield from listpack(source.string())
    yield _lengths(source, 8)  # how many, the last, first and newest deleted id, how many ever
    for _group in range(source.length()):
        yield source.string()
        yield _lengths(source, 3)  # the last id delivered, how many read
        for _pending in range(source.length()):
            yield source.take(16 + 8)  # the id, when it was delivered
            yield _lengths(source, 1)  # how often
        for _consumer in range(source.length()):
            yield source.string()
            source.take(16 if says_when_active else 8)
            yield b"".join(source.take(16) for _pending in range(source.length()))


def _lengths(source: Source, count: int) -> bytes:
    return b" ".join(b"%d" % source.length() for _number in range(count))


_READERS: Mapping[int, Callable[[Source], Iterator[Part]]] = {
    0: _string,
    2: lambda source: _set(_strings(source)),
    4: lambda source: _hash(_fields(source)),
    5: lambda source: _sorted_set(_scored(source)),
    11: lambda source: _set(intset(source.string())),
    16: lambda source: _hash(_pairs(source)),
    17: lambda source: _sorted_set(_packed_scores(source)),
    18: _list,
    19: lambda source: _stream(source, says_when_active=False),
    20: lambda source: _set(listpack(source.string())),
    21: lambda source: _stream(source, says_when_active=True),
    22: _hash_with_times,
}
"""What Redis 7.0 to 7.2 and Valkey up to 9 write."""
