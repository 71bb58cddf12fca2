"""The keys of a server, one by one: from its file, or from itself. Either way the same key gives the same hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.rdb.errors import RdbCorrupt
from ils_pipelines.operations.backup.rdb.source import Source
from ils_pipelines.operations.backup.rdb.values import Part, digest_of, value_of

if TYPE_CHECKING:
    import valkey

OF_THE_SERVICE = b"ElastiCacheMasterReplicationTimestamp"
"""ElastiCache's own clock in every cache, which it never stops setting.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
"""
_AT_ONCE = 100
"""Keys whose values are asked for together."""
_DUMP_TAIL = 10
"""Version and checksum, behind what DUMP gives."""
_STAYS, _GONE = -1, -2
"""What PEXPIRETIME says of a key without an end, and of one that is not there."""
_EOF, _DATABASE, _SECONDS, _MILLISECONDS, _SIZES, _AUXILIARY, _FREQUENCY, _IDLE = 255, 254, 253, 252, 251, 250, 249, 248
_FUNCTIONS, _SLOT = 245, 244


@dataclass(frozen=True)
class Entry:
    """A key with its value, or the part of one that lives for a time of its own."""

    digest: bytes
    until: int | None
    """Milliseconds since 1970 until it is gone; None when it stays."""


def entries_of_file(chunks: Iterable[bytes]) -> Iterator[Entry]:
    """Of an RDB file, whatever server wrote it. Raises `RdbCorrupt`, `RdbUnknown`.

    Libraries of functions are no keys: they are passed over.
    """
    source = Source(chunks)
    begin = source.take(9)
    if not begin.startswith((b"REDIS", b"VALKEY")):
        raise RdbCorrupt(f"expected a dump of Redis or Valkey, found {begin!r}")
    database, until = 0, None
    while (code := source.take(1)[0]) != _EOF:
        if code == _DATABASE:
            database = source.length()
        elif code == _MILLISECONDS:
            until = source.number("<q")
        elif code == _SECONDS:
            until = source.number("<i") * 1000
        elif code in _PASSED_OVER:
            _PASSED_OVER[code](source)
        else:
            key = source.string()
            yield from _entries(database, key, until, value_of(code, source))
            until = None


_PASSED_OVER: dict[int, Callable[[Source], object]] = {
    _SIZES: lambda source: (source.length(), source.length()),
    _AUXILIARY: lambda source: (source.string(), source.string()),
    _FREQUENCY: lambda source: source.take(1),
    _IDLE: lambda source: source.length(),
    _FUNCTIONS: lambda source: source.string(),
    _SLOT: lambda source: (source.length(), source.length(), source.length()),
}


def entries_of_server(connect: Callable[[int], valkey.Valkey]) -> Iterator[Entry]:
    """Of every database of a server; `connect` gives a client of the one of that number. Nothing is written.

    A key may come twice while the server makes its table smaller: SCAN promises no more than that none is left out.
    Raises valkey's errors, `RdbUnknown`.
    """
    with connect(0) as server:
        described: Any = server.info("keyspace")
    for name in described:
        number = int(name.removeprefix("db"))
        with connect(number) as client:
            yield from _of_database(client, number)


def _of_database(client: Any, number: int) -> Iterator[Entry]:
    cursor = 0
    while True:
        cursor, keys = client.scan(cursor, count=_AT_ONCE)
        asking = client.pipeline(transaction=False)
        for key in keys:
            asking.dump(key)
            asking.pexpiretime(key)
        answers = iter(asking.execute())
        for key, dumped, until in zip(keys, answers, answers, strict=True):
            if dumped is not None and until != _GONE:  # it may have run out meanwhile
                source = Source([dumped[:-_DUMP_TAIL]])
                values = value_of(source.take(1)[0], source)
                yield from _entries(number, key, None if until == _STAYS else until, values)
        if cursor == 0:
            return


def _entries(database: int, key: bytes, until: int | None, parts: Iterable[Part]) -> Iterator[Entry]:
    ends = b"" if until is None else b"%d" % until
    for part in parts:
        own = b"" if part.until is None else b"%d" % part.until
        digest = digest_of(b"%d" % database, key, ends, own, part.digest)
        if key != OF_THE_SERVICE:
            yield Entry(digest, min((each for each in (until, part.until) if each is not None), default=None))
