"""The snapshot of the replication group as an RDB file: a cache begins with one in any region.

ElastiCache writes it at the root of a bucket of its own region: of transfers, from where it goes into the set.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ils_pipelines.operations.backup.cache_state import read_file
from ils_pipelines.operations.backup.context import PieceFailed, SetContext, Task, utc_now
from ils_pipelines.operations.backup.details import CacheExport, CacheState, Piece, PieceKind
from ils_pipelines.operations.backup.pieces import cache_snapshot, in_bucket
from ils_pipelines.operations.backup.rdb.errors import RdbCorrupt, RdbUnknown
from ils_pipelines.operations.backup.transfer import Transfer

NAME = "cache-export"
WITHIN = timedelta(hours=2)
_SUFFIX = "-0001.rdb"
"""What ElastiCache adds to the name, of the first shard: our caches have one."""
_WITH_DISKS = "cache.r6gd."


def tasks(context: SetContext) -> Iterator[Task]:
    """None of nodes that keep part of their data on disk: ElastiCache exports none of those."""
    if not context.target.environment.cache.node_type.startswith(_WITH_DISKS):
        yield Task(NAME, PieceKind.CACHE_EXPORT, _take, after=cache_snapshot.NAME)


def _take(context: SetContext) -> Piece:
    cache, started, name = context.client("elasticache"), utc_now(), context.set_id.resource_name
    snapshot = cache_snapshot.describe(cache, name)
    if snapshot is None:
        raise PieceFailed(f"expected the snapshot {name}, which is to be exported, found none. Take the set again.")
    transfer, key = Transfer.of(context.target, context.places.here), f"{name}{_SUFFIX}"
    if not transfer.has(key):
        _begin(context, cache, transfer, name)
        # Nothing else says that an export is done; an object of S3 is there whole or not at all.
        context.wait(f"the export of the snapshot {name}", lambda: transfer.has(key), WITHIN)
    details = CacheExport(
        snapshot=name,
        replication_group=snapshot["ReplicationGroupId"],
        engine=snapshot["Engine"],
        engine_version=snapshot["EngineVersion"],
        node_type=snapshot["CacheNodeType"],
    )
    taken = min(node["SnapshotCreateTime"] for node in snapshot["NodeSnapshots"])
    piece = in_bucket.stream(context, NAME, ".rdb", transfer.chunks(key), details, started=started, at=taken)
    state = _state(context, piece)
    transfer.forget(key)
    return piece.model_copy(update={"details": details.model_copy(update={"state": state})})


def _state(context: SetContext, piece: Piece) -> CacheState | None:
    """What the file holds, read back from where it is kept: the live cache goes on, and has nothing to say of that moment."""
    assert piece.object is not None  # noqa: S101 it was just put there
    try:
        return read_file(context.bucket.chunks(piece.object), piece.consistency_point)
    except RdbUnknown as unknown:
        context.say(f"no drill can compare the keys of the cache: {unknown}")
        return None
    except RdbCorrupt as corrupt:
        raise PieceFailed(
            f"ElastiCache's export {piece.object.key} is not whole: {corrupt}. Take the set again."
        ) from None


def _begin(context: SetContext, cache: Any, transfer: Transfer, name: str) -> None:
    """An interrupted run may have begun it: then the snapshot is busy."""

    def begun() -> bool:
        try:
            cache.copy_snapshot(SourceSnapshotName=name, TargetSnapshotName=name, TargetBucket=transfer.bucket)
        except cache.exceptions.InvalidSnapshotStateFault:
            return transfer.has(f"{name}{_SUFFIX}")
        return True

    context.wait(f"the snapshot {name} to be exported", begun, WITHIN)
