"""What a cache held, in a few lines: how many keys, and a checksum of them, for each stretch of time in which some go.

Keys run out by themselves, so that a cache restored later holds fewer than its file. What is compared is what must still be
there then, and every key of that. Memory does not grow with the number of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.details import CacheKeys, CacheState
from ils_pipelines.operations.backup.orderless import OrderlessDigest
from ils_pipelines.operations.backup.rdb.keys import Entry, entries_of_file, entries_of_server

if TYPE_CHECKING:
    import valkey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRETCHES = (
    (timedelta(days=7), timedelta(hours=1)),
    (timedelta(days=366), timedelta(days=1)),
    (timedelta(days=3660), timedelta(days=366)),
)
"""How exactly it is told when a key goes, by how long after the moment that is: some five hundred stretches at most."""
_STAYS = timedelta(days=3660)
"""What lives longer is taken for what stays."""


def read_file(chunks: Iterable[bytes], taken: datetime) -> CacheState:
    """What an RDB file holds that was written at that moment. Raises `RdbCorrupt`, `RdbUnknown`."""
    return _state(entries_of_file(chunks), taken)


def read_cache(connect: Callable[[int], valkey.Valkey], taken: datetime) -> CacheState:
    """What a cache holds that was made of a file or snapshot of that moment; `connect` gives a client of one database.

    It has to be at rest. Raises valkey's errors, `RdbUnknown`.
    """
    return _state(entries_of_server(connect), taken)


def there_at(state: CacheState, moment: datetime) -> tuple[int, str]:
    """Number and checksum of the keys that had not begun to go by then."""
    digest = OrderlessDigest()
    for keys in state.keys:
        if keys.begin is None or keys.begin >= moment:
            digest.add_all(keys.count, keys.checksum)
    return digest.count, digest.checksum


def _state(entries: Iterable[Entry], taken: datetime) -> CacheState:
    digests: dict[datetime | None, OrderlessDigest] = {}
    for entry in entries:
        digests.setdefault(_begin(entry.until, taken), OrderlessDigest()).add_hash(entry.digest)
    ordered = sorted(digests.items(), key=lambda each: each[0] or datetime.max.replace(tzinfo=UTC))
    return CacheState(
        at=taken,
        keys=tuple(CacheKeys(begin=begin, count=each.count, checksum=each.checksum) for begin, each in ordered),
    )


def _begin(until: int | None, taken: datetime) -> datetime | None:
    """Of the stretch in which a key goes that lives until then."""
    if until is None:
        return None
    milliseconds = until - (taken - _EPOCH) // timedelta(milliseconds=1)
    if milliseconds >= _STAYS // timedelta(milliseconds=1):
        return None
    since = timedelta(milliseconds=milliseconds)
    step = next(step for within, step in _STRETCHES if since < within)
    return taken + since // step * step
