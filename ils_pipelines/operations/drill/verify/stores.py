"""Whether restored tables and caches are what they were, and take reads and writes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.cache_state import read_cache, there_at
from ils_pipelines.operations.backup.details import CacheState, TableExport
from ils_pipelines.operations.backup.errors import BackupError
from ils_pipelines.operations.backup.items import ItemsDigest
from ils_pipelines.operations.drill.models import Check, check
from ils_pipelines.operations.restore.tables import TableShape, read_shape, shape_flaws

if TYPE_CHECKING:
    from ils_pipelines.operations.access.cache import CacheAccess

_READINGS = 3
"""SCAN may give a key twice, while keys run out and the server makes its table smaller."""


def table_checks(dynamodb: Any, name: str, wanted: TableShape, items: int) -> Iterator[Check]:
    """`items` is what DynamoDB counted when the backup was taken, which it does every six hours."""
    subject = f"table {name}"
    flaws = list(shape_flaws(wanted, read_shape(dynamodb, name)))
    for flaw in flaws:
        what, _, difference = flaw.partition(": ")
        yield Check(subject=subject, what=what, passed=False, expected="as its source", found=difference)
    if not flaws:
        yield check(
            subject, "time to live, indexes, recovery, protection, stream, tags", "as its source", "as its source"
        )
    pages = dynamodb.get_paginator("scan").paginate(TableName=name, Select="COUNT", ConsistentRead=True)
    count = sum(page["Count"] for page in pages)
    yield check(subject, "has items", f"about {items}", count, passed=count > 0 or items == 0)
    yield from _table_smoke(dynamodb, name)


def item_checks(name: str, kept: TableExport, found: ItemsDigest) -> Iterator[Check]:
    """Whether a table held, item for item, what was exported."""
    yield check(f"table {name}", "items", kept.items, found.count)
    yield check(f"table {name}", "checksum", kept.checksum, found.checksum)


def _table_smoke(dynamodb: Any, name: str) -> Iterator[Check]:
    table = dynamodb.describe_table(TableName=name)["Table"]
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    keys = [each["AttributeName"] for each in table["KeySchema"]]
    mark = secrets.token_hex(8)
    key = {each: {types[each]: mark if types[each] == "S" else "1"} for each in keys}
    dynamodb.put_item(TableName=name, Item=key)
    read = dynamodb.get_item(TableName=name, Key=key, ConsistentRead=True).get("Item")
    dynamodb.delete_item(TableName=name, Key=key)
    yield check(f"table {name}", "takes a write and gives it back", key, read)


def cache_checks(access: CacheAccess, name: str, wanted: CacheState | None) -> Iterator[Check]:
    """`wanted` is what the set's file of the cache holds; None where nobody could tell."""
    from valkey.exceptions import ValkeyError

    subject, mark = f"cache {name}", f"ils-drill:{secrets.token_hex(8)}"
    try:
        # Before anything is written to it.
        content = () if wanted is None else tuple(_content_checks(access, subject, wanted))
        with access.connect() as cache:
            keys = int(cache.dbsize())
            cache.set(mark, "1", ex=60)
            read = cache.get(mark)
            cache.delete(mark)
    except (ValkeyError, BackupError) as error:
        yield check(subject, "answers", "an answer", error, passed=False)
        return
    yield from content or (check(subject, "has keys", "at least one", keys, passed=keys > 0),)
    yield check(subject, "takes a write and gives it back", b"1", read)


def _content_checks(access: CacheAccess, subject: str, wanted: CacheState) -> Iterator[Check]:
    """What is proven: of all keys that the file in the set says are there still, every one is, with that type, value and end,
    and there is no other. That the file is what the live cache held at its moment is ElastiCache's word: it made the file and
    the snapshot of the same data. Keys whose end may have come before the last was read are left out.
    """
    for attempt in range(_READINGS):
        found = read_cache(access.connect, wanted.at)
        ended = datetime.now(UTC)
        (count, checksum), (there, sum_there) = (there_at(state, ended) for state in (wanted, found))
        # A key that SCAN gave twice shows as a difference, never as none.
        if (count, checksum) == (there, sum_there) or attempt == _READINGS - 1:
            yield check(subject, "keys that have not run out", count, there)
            yield check(subject, "content of every key", checksum, sum_there)
            return
