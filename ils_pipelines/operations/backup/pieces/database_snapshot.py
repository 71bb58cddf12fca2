"""The Aurora cluster snapshot, and its copy in the other region under that region's key."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from ils_pipelines.operations.backup.context import PieceFailed, SetContext, Task, made_by_set, utc_now
from ils_pipelines.operations.backup.details import DatabaseSnapshot, DatabaseSnapshotCopy, Piece, PieceKind
from ils_pipelines.settings.layers import Layer

SNAPSHOT, COPY = "database-snapshot", "database-snapshot-copy"
WITHIN = timedelta(hours=6)
"""A first copy to another region is a whole one."""
_GIB = 1024**3


def tasks(_context: SetContext) -> Iterator[Task]:
    yield Task(SNAPSHOT, PieceKind.DATABASE_SNAPSHOT, _take)
    yield Task(COPY, PieceKind.DATABASE_SNAPSHOT_COPY, _copy, after=SNAPSHOT)


def _take(context: SetContext) -> Piece:
    rds, name, started = context.client("rds"), context.set_id.resource_name, utc_now()
    cluster = context.output(Layer.DATABASE, "cluster_identifier")
    if _usable(rds, name, context) is None:
        rds.create_db_cluster_snapshot(
            DBClusterSnapshotIdentifier=name, DBClusterIdentifier=cluster, Tags=context.tags()
        )
    found = _finished(context, rds, name)
    return Piece(
        name=SNAPSHOT,
        region=context.places.here.region,
        arn=found["DBClusterSnapshotArn"],
        size=found.get("AllocatedStorage", 0) * _GIB,
        started=started,
        finished=utc_now(),
        consistency_point=found["SnapshotCreateTime"],
        details=DatabaseSnapshot(
            snapshot=name,
            cluster=cluster,
            engine=found["Engine"],
            engine_version=found["EngineVersion"],
            key_arn=found["KmsKeyId"],
        ),
    )


def _copy(context: SetContext) -> Piece:
    name, there, started = context.set_id.resource_name, context.places.there, utc_now()
    source = describe(context.client("rds"), name)
    if source is None:
        raise PieceFailed(f"expected the snapshot {name}, of which this is the copy, found none")
    rds = context.client("rds", region=there.region)
    if _usable(rds, name, context) is None:
        rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=source["DBClusterSnapshotArn"],
            TargetDBClusterSnapshotIdentifier=name,
            KmsKeyId=there.key_arn,
            SourceRegion=context.places.here.region,
            Tags=context.tags(),
        )
    found = _finished(context, rds, name)
    return Piece(
        name=COPY,
        region=there.region,
        arn=found["DBClusterSnapshotArn"],
        size=found.get("AllocatedStorage", 0) * _GIB,
        started=started,
        finished=utc_now(),
        consistency_point=source["SnapshotCreateTime"],
        details=DatabaseSnapshotCopy(
            snapshot=name,
            source_arn=source["DBClusterSnapshotArn"],
            engine=found["Engine"],
            engine_version=found["EngineVersion"],
            key_arn=found["KmsKeyId"],
        ),
    )


def problems(context: SetContext, piece: Piece) -> Iterator[str]:
    """What is wrong with the snapshot, in words."""
    details = piece.details
    assert isinstance(details, DatabaseSnapshot | DatabaseSnapshotCopy)  # noqa: S101 the table says so
    found = describe(context.client("rds", region=piece.region), details.snapshot)
    if found is None:
        yield f"the snapshot {details.snapshot} is not there"
        return
    if found["DBClusterSnapshotArn"] != piece.arn:
        yield f"the snapshot is {found['DBClusterSnapshotArn']}, not {piece.arn}"
    if found["Status"] != "available":
        yield f"the snapshot is {found['Status']}, not available"
    if not found.get("StorageEncrypted"):
        yield "the snapshot is not encrypted"
    elif found.get("KmsKeyId") != details.key_arn:
        yield f"the snapshot is encrypted with {found.get('KmsKeyId')}, not with {details.key_arn}"
    if not made_by_set(tags_of(context.client("rds", region=piece.region), found), context.set_id):
        yield "the snapshot does not have the tags of this set"


def delete(context: SetContext, piece: Piece) -> str | None:
    """Why it is not deleted; None when it is, or was."""
    details = piece.details
    assert isinstance(details, DatabaseSnapshot | DatabaseSnapshotCopy)  # noqa: S101 the table says so
    return _delete(context, piece.region, details.snapshot)


def delete_unrecorded(context: SetContext, recorded: Collection[str]) -> None:
    """What has the name and the tags of the set, and no record."""
    for piece, side in ((SNAPSHOT, context.places.here), (COPY, context.places.there)):
        if piece not in recorded:
            _delete(context, side.region, context.set_id.resource_name)


def _delete(context: SetContext, region: str, name: str) -> str | None:
    rds = context.client("rds", region=region)
    found = describe(rds, name)
    if found is None:
        return None
    if not made_by_set(tags_of(rds, found), context.set_id):
        return f"the snapshot {name} in {region} does not have the tags of this set"
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    return None


def describe(rds: Any, name: str) -> dict[str, Any] | None:
    """The cluster snapshot of that name."""
    try:
        found: dict[str, Any] = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)[
            "DBClusterSnapshots"
        ][0]
    except (rds.exceptions.DBClusterSnapshotNotFoundFault, IndexError):
        return None
    return found


def tags_of(rds: Any, snapshot: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = rds.list_tags_for_resource(ResourceName=snapshot["DBClusterSnapshotArn"])["TagList"]
    return found


def _usable(rds: Any, name: str, context: SetContext) -> dict[str, Any] | None:
    """What an interrupted run began; one that failed is taken away. Raises `PieceFailed` when it is not ours."""
    found = describe(rds, name)
    if found is None:
        return None
    if not made_by_set(tags_of(rds, found), context.set_id):
        raise PieceFailed(
            f"expected no snapshot {name} yet, found one that is not of this set: its tags say so. Delete or rename it."
        )
    if found["Status"] != "failed":
        return found
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    context.wait(f"the deletion of the failed snapshot {name}", lambda: describe(rds, name) is None, WITHIN)
    return None


def _finished(context: SetContext, rds: Any, name: str) -> dict[str, Any]:
    """The snapshot once it is available. Raises `PieceFailed` when it fails."""
    latest: dict[str, Any] = {}

    def ready() -> bool:
        found = describe(rds, name)
        if found is None or found["Status"] in ("failed", "deleting"):
            state = "gone" if found is None else found["Status"]
            raise PieceFailed(
                f"expected the snapshot {name} to become available, found it {state}. Look at RDS's events."
            )
        latest.update(found)
        return bool(found["Status"] == "available")

    context.wait(f"the snapshot {name}", ready, WITHIN)
    return latest
