"""What becomes of a table's items, from the moment that point-in-time recovery is enabled.

Imports moto, which reads its settings when it is imported: import this where it is used.
"""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.dynamodb.models.table import StreamShard

MOST_CHANGES = 50_000
"""Kept in memory and in the snapshot of the accounts; of more, the older half can no longer be gone back to."""

Key = tuple[Any, Any]


class Recorder(StreamShard):  # type: ignore[misc]
    """Stands where moto tells of each change of an item: at the table's stream, which it also is if there is one."""

    def __init__(self, table: Any, period: timedelta) -> None:
        super().__init__(table.account_id, table)
        self.period = period
        self.since = datetime.now(UTC)
        """The earliest moment that can be gone back to."""
        self._before: dict[Key, Any] = {_key(item): deepcopy(item) for item in table.all_items()}
        self._changes: list[tuple[datetime, Key, Any]] = []

    def follow(self, shard: StreamShard) -> None:
        """Be the stream that moto has just begun."""
        for name in ("id", "starting_sequence_number", "items", "created_on"):
            setattr(self, name, getattr(shard, name))

    def add(self, old: Any, new: Any) -> None:
        self._changes.append((datetime.now(UTC), _key(new or old), deepcopy(new)))
        if len(self._changes) > MOST_CHANGES:
            self._forget_until(self._changes[MOST_CHANGES // 2][0])
        if (self.table.stream_specification or {}).get("StreamEnabled"):
            super().add(old, new)

    def items_at(self, moment: datetime) -> list[Any]:
        """The items as they were."""
        return list(self._state_at(moment).values())

    def forget_old(self) -> None:
        """Give up what is older than the recovery period."""
        oldest = datetime.now(UTC) - self.period
        if oldest > self.since:
            self._forget_until(oldest)

    def _forget_until(self, moment: datetime) -> None:
        self._before = self._state_at(moment)
        self._changes = [change for change in self._changes if change[0] > moment]
        self.since = moment

    def _state_at(self, moment: datetime) -> dict[Key, Any]:
        state = dict(self._before)
        for when, key, item in self._changes:
            if when > moment:
                break
            if item is None:
                state.pop(key, None)
            else:
                state[key] = item
        return state


def replace_items(table: Any, items: list[Any]) -> None:
    """Let a table hold these items and no others."""
    table.items = defaultdict(dict)
    for item in deepcopy(items):
        if item.range_key is None:
            table.items[item.hash_key] = item
        else:
            table.items[item.hash_key][item.range_key] = item


def _key(item: Any) -> Key:
    return item.hash_key, item.range_key
