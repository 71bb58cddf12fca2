"""Snapshots of clusters."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.rds.clusters import CLUSTERS
from ils_sandbox.aws.overlay.rds.databases import take_snapshot
from ils_sandbox.aws.overlay.rds.restores import require_complete
from ils_sandbox.aws.overlay.rds.snapshot_records import find, forget, remember, state_of
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import SnapshotOrder

_STATUS = {"working": "creating", "failed": "failed", "ready": "available"}


def create_db_cluster_snapshot(call: Call, world: World) -> Result:
    name = CLUSTERS.name(call)
    cluster = CLUSTERS.current(call, world, name)
    if cluster["Status"] != "available":
        message = f"DB cluster {name} has status {cluster['Status']}; a snapshot needs one that is available."
        raise AwsError("InvalidDBClusterStateFault", message)
    snapshot = world.forward(call)["DBClusterSnapshot"]
    kept = take_snapshot(world, CLUSTERS.extras(call, world, name))
    remember(call, world, snapshot["DBClusterSnapshotIdentifier"], kept)
    return {"DBClusterSnapshot": _completed(call, world, snapshot)}


def describe_db_cluster_snapshots(call: Call, world: World) -> Result:
    result = world.forward(call)
    found = [_completed(call, world, snapshot) for snapshot in result.get("DBClusterSnapshots", [])]
    return {**result, "DBClusterSnapshots": found}


def copy_db_cluster_snapshot(call: Call, world: World) -> Result:
    source = call.params["SourceDBClusterSnapshotIdentifier"]
    origin = find(call, world, source)
    require_complete(world, source, origin)
    snapshot = world.forward(call)["DBClusterSnapshot"]
    kept: dict[str, Any] = {}
    if source.startswith("arn:"):
        kept["SourceDBClusterSnapshotArn"] = source
    if world.data is not None and "data" in origin:
        kept["data"] = world.data.new_id()
        world.data.make_snapshot(kept["data"], SnapshotOrder(copy_of=origin["data"]))
    remember(call, world, snapshot["DBClusterSnapshotIdentifier"], kept)
    return {"DBClusterSnapshot": _completed(call, world, snapshot)}


def delete_db_cluster_snapshot(call: Call, world: World) -> Result:
    name = call.params["DBClusterSnapshotIdentifier"]
    snapshot = world.forward(call)["DBClusterSnapshot"]
    completed = _completed(call, world, snapshot)
    forget(call, world, name)
    return {"DBClusterSnapshot": completed}


def _completed(call: Call, world: World, snapshot: Result) -> Result:
    kept = find(call, world, snapshot["DBClusterSnapshotIdentifier"])
    completed = {**snapshot, **{key: value for key, value in kept.items() if key != "data"}}
    state = state_of(world, kept)
    if state is not None and state.state != "ready":
        completed.update(Status=_STATUS[state.state], PercentProgress=0)
    return completed
