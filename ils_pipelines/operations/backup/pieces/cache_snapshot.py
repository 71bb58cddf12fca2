"""The snapshot of the replication group. ElastiCache copies none to another region: for that there is its export."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from ils_pipelines.operations.backup.context import PieceFailed, SetContext, Task, made_by_set, utc_now
from ils_pipelines.operations.backup.details import CacheSnapshot, Piece, PieceKind
from ils_pipelines.settings.layers import Layer

NAME = "cache-snapshot"
WITHIN = timedelta(hours=2)
_UNITS = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}


def tasks(_context: SetContext) -> Iterator[Task]:
    yield Task(NAME, PieceKind.CACHE_SNAPSHOT, _take)


def _take(context: SetContext) -> Piece:
    cache, name, started = context.client("elasticache"), context.set_id.resource_name, utc_now()
    group = context.output(Layer.CACHE, "replication_group_id")
    if _usable(context, cache, name) is None:
        described = cache.describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"][0]
        key = {"KmsKeyId": described["KmsKeyId"]} if described.get("KmsKeyId") else {}
        cache.create_snapshot(SnapshotName=name, ReplicationGroupId=group, Tags=context.tags(), **key)
    found = _finished(context, cache, name)
    nodes = found["NodeSnapshots"]
    return Piece(
        name=NAME,
        region=context.places.here.region,
        arn=found["ARN"],
        size=sum(_bytes(node.get("CacheSize", "")) for node in nodes),
        started=started,
        finished=utc_now(),
        consistency_point=min(node["SnapshotCreateTime"] for node in nodes),
        details=CacheSnapshot(
            snapshot=name,
            replication_group=group,
            engine=found["Engine"],
            engine_version=found["EngineVersion"],
            node_type=found["CacheNodeType"],
            key_arn=found.get("KmsKeyId"),
        ),
    )


def problems(context: SetContext, piece: Piece) -> Iterator[str]:
    """What is wrong with the snapshot, in words."""
    details = piece.details
    assert isinstance(details, CacheSnapshot)  # noqa: S101 the table says so
    cache = context.client("elasticache", region=piece.region)
    found = describe(cache, details.snapshot)
    if found is None:
        yield f"the snapshot {details.snapshot} is not there"
        return
    if found["SnapshotStatus"] != "available":
        yield f"the snapshot is {found['SnapshotStatus']}, not available"
    if found.get("KmsKeyId") != details.key_arn:
        yield f"the snapshot is encrypted with {found.get('KmsKeyId')}, not with {details.key_arn}"
    taken = min(node["SnapshotCreateTime"] for node in found["NodeSnapshots"])
    if abs((taken - piece.consistency_point).total_seconds()) > 1:
        yield f"the snapshot was taken at {taken}, not at {piece.consistency_point}"
    if not made_by_set(_tags(cache, found), context.set_id):
        yield "the snapshot does not have the tags of this set"


def delete(context: SetContext, piece: Piece) -> str | None:
    """Why it is not deleted; None when it is, or was."""
    details = piece.details
    assert isinstance(details, CacheSnapshot)  # noqa: S101 the table says so
    return _delete(context, piece.region, details.snapshot)


def delete_unrecorded(context: SetContext, recorded: Collection[str]) -> None:
    """What has the name and the tags of the set, and no record."""
    if NAME not in recorded:
        _delete(context, context.places.here.region, context.set_id.resource_name)


def _delete(context: SetContext, region: str, name: str) -> str | None:
    cache = context.client("elasticache", region=region)
    found = describe(cache, name)
    if found is None:
        return None
    if not made_by_set(_tags(cache, found), context.set_id):
        return f"the snapshot {name} does not have the tags of this set"
    cache.delete_snapshot(SnapshotName=name)
    return None


def describe(cache: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cache.describe_snapshots(SnapshotName=name)["Snapshots"][0]
    except (cache.exceptions.SnapshotNotFoundFault, IndexError):
        return None
    return found


def _tags(cache: Any, snapshot: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = cache.list_tags_for_resource(ResourceName=snapshot["ARN"])["TagList"]
    return found


def _usable(context: SetContext, cache: Any, name: str) -> dict[str, Any] | None:
    """What an interrupted run began; one that failed is taken away. Raises `PieceFailed` when it is not ours."""
    found = describe(cache, name)
    if found is None:
        return None
    if not made_by_set(_tags(cache, found), context.set_id):
        raise PieceFailed(
            f"expected no snapshot {name} yet, found one whose tags are not those of this set. Delete it."
        )
    if found["SnapshotStatus"] != "failed":
        return found
    cache.delete_snapshot(SnapshotName=name)
    context.wait(f"the deletion of the failed snapshot {name}", lambda: describe(cache, name) is None, WITHIN)
    return None


def _finished(context: SetContext, cache: Any, name: str) -> dict[str, Any]:
    latest: dict[str, Any] = {}

    def ready() -> bool:
        found = describe(cache, name)
        if found is None or found["SnapshotStatus"] in ("failed", "deleting"):
            state = "gone" if found is None else found["SnapshotStatus"]
            raise PieceFailed(f"expected the snapshot {name} to become available, found it {state}.")
        latest.update(found)
        return bool(found["SnapshotStatus"] == "available")

    context.wait(f"the snapshot {name}", ready, WITHIN)
    return latest


def _bytes(size: str) -> int:
    """ElastiCache says `12 MB`."""
    number, _, unit = size.strip().partition(" ")
    return round(float(number) * _UNITS[unit.upper()]) if unit.upper() in _UNITS else 0
