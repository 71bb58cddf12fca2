"""What a new cluster begins with: nothing, a snapshot, or what another cluster held at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.rds.snapshot_records import find, state_of
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import Origin

_CLUSTERS = "rds.clusters"


def origin_of(call: Call, world: World) -> Origin:
    """What the call asks for. Raises what RDS raises where that cannot be had."""
    if call.operation == "RestoreDBClusterFromSnapshot":
        return _snapshot(call, world, call.params["SnapshotIdentifier"])
    if call.operation == "RestoreDBClusterToPointInTime":
        return _moment(call, world)
    return Origin()


def require_complete(world: World, name: str, kept: dict[str, Any]) -> None:
    """Raises InvalidDBClusterSnapshotStateFault while a snapshot is incomplete."""
    state = state_of(world, kept)
    if state is not None and state.state != "ready":
        message = f"The snapshot {name} is not available: {state.reason or 'it is being created'}."
        raise AwsError("InvalidDBClusterSnapshotStateFault", message)


def _snapshot(call: Call, world: World, name: str) -> Origin:
    kept = find(call, world, name)
    require_complete(world, name, kept)
    return Origin(kind="snapshot", source=kept["data"]) if "data" in kept else Origin(kind="snapshot")


def _moment(call: Call, world: World) -> Origin:
    params = call.params
    source = str(params.get("SourceDBClusterIdentifier") or "").rpartition(":")[2].lower()
    cluster = world.invoke(call, "rds", "DescribeDBClusters", DBClusterIdentifier=source)["DBClusters"][0]
    moment = params.get("RestoreToTime")
    if (moment is None) == (not params.get("UseLatestRestorableTime")):
        message = "Either RestoreToTime or UseLatestRestorableTime must be given, and not both."
        raise AwsError("InvalidParameterCombination", message)
    if moment is not None:
        moment = _aware(moment)
        earliest, latest = window(cluster)
        if not earliest <= moment <= latest:
            message = (
                f"RestoreToTime {moment.isoformat()} is not between {earliest.isoformat()} and {latest.isoformat()}, "
                f"to which {source} can be restored."
            )
            raise AwsError("InvalidParameterValue", message)
    data = world.table(_CLUSTERS, call).get(source, {}).get("data", "")
    return Origin(kind="time", source=data, time=moment)


def window(cluster: Result) -> tuple[datetime, datetime]:
    """The earliest and the latest moment that a cluster can be restored to."""
    now = datetime.now(UTC)
    retention = timedelta(days=cluster.get("BackupRetentionPeriod") or 1)
    return max(_aware(cluster["ClusterCreateTime"]), now - retention), now


def _aware(moment: Any) -> datetime:
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
