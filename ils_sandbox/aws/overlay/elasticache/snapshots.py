"""Snapshots of replication groups."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.elasticache.exports import export_snapshot
from ils_sandbox.aws.overlay.elasticache.records import Record, find_group, settled
from ils_sandbox.aws.overlay.elasticache.servers import copy_data, delete_data, described_data, require_complete
from ils_sandbox.aws.overlay.elasticache.tags import arn, forget_tags, remember_tags
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

SNAPSHOTS = "elasticache.snapshots"
_NOT_OF_SNAPSHOTS = frozenset(
    {"ARN", "NodeGroups", "data", "tokens", "open", "primary", "reader", "restoring", "imported"}
)


def take_snapshot(
    call: Call, world: World, record: Record, name: str, tags: list[dict[str, str]] | None = None
) -> Record:
    """Keep a snapshot of the group. Raises SnapshotAlreadyExistsFault."""
    snapshots = world.table(SNAPSHOTS, call)
    if name in snapshots:
        raise AwsError("SnapshotAlreadyExistsFault", f"The snapshot {name} already exists.")
    now = datetime.now(UTC)
    snapshots[name] = {
        **{key: value for key, value in deepcopy(record).items() if key not in _NOT_OF_SNAPSHOTS},
        "SnapshotName": name,
        "ReplicationGroupDescription": record["Description"],
        "SnapshotStatus": "available",
        "SnapshotSource": "manual",
        "NumNodeGroups": len(record["NodeGroups"]),
        "Port": record["port"],
        "NodeSnapshots": [
            {
                "NodeGroupId": group["NodeGroupId"],
                "CacheClusterId": group["NodeGroupMembers"][-1]["CacheClusterId"],
                "CacheNodeId": "0001",
                "CacheSize": "1 MB",
                "CacheNodeCreateTime": record["ReplicationGroupCreateTime"],
                "SnapshotCreateTime": now,
            }
            for group in record["NodeGroups"]
        ],
        "ARN": arn(call, "snapshot", name),
        **copy_data(world, source=record),
    }
    remember_tags(call, world, snapshots[name]["ARN"], tags)
    return snapshots[name]  # type: ignore[no-any-return]


def create_snapshot(call: Call, world: World) -> Result:
    params = call.params
    if params.get("ReplicationGroupId"):
        record = find_group(call, world, params["ReplicationGroupId"])
    else:
        groups = settled(call, world).values()
        found = [group for group in groups if params.get("CacheClusterId") in group["MemberClusters"]]
        if not found:
            return world.forward(call)
        record = found[0]
    if record["Status"] != "available":
        message = f"Replication group {record['ReplicationGroupId']} has status {record['Status']}."
        raise AwsError("InvalidReplicationGroupState", message)
    taken = take_snapshot(call, world, record, params["SnapshotName"], params.get("Tags"))
    return {"Snapshot": _described(world, taken)}


def describe_snapshots(call: Call, world: World) -> Result:
    params = call.params
    found = [
        snapshot
        for snapshot in world.table(SNAPSHOTS, call).values()
        if params.get("SnapshotName") in (None, snapshot["SnapshotName"])
        and params.get("ReplicationGroupId") in (None, snapshot["ReplicationGroupId"])
        and params.get("CacheClusterId") in (None, *snapshot["MemberClusters"])
    ]
    if params.get("SnapshotName") and not found:
        raise AwsError("SnapshotNotFoundFault", f"Snapshot {params['SnapshotName']} not found.")
    return {"Snapshots": [_described(world, snapshot) for snapshot in found]}


def copy_snapshot(call: Call, world: World) -> Result:
    params = call.params
    source = find_snapshot(call, world, params["SourceSnapshotName"])
    require_complete(world, source)
    _require_free(world, source)
    if params.get("TargetBucket"):
        export_snapshot(call, world, source)
        world.lifecycles.begin(source["ARN"], "exporting", durations.ELASTICACHE_SNAPSHOT_EXPORT)
        return {"Snapshot": {**_described(world, source), "SnapshotName": params["TargetSnapshotName"]}}
    snapshots, name = world.table(SNAPSHOTS, call), params["TargetSnapshotName"]
    if name in snapshots:
        raise AwsError("SnapshotAlreadyExistsFault", f"The snapshot {name} already exists.")
    snapshots[name] = {
        **deepcopy(source),
        "SnapshotName": name,
        "KmsKeyId": params.get("KmsKeyId") or source.get("KmsKeyId"),
        "ARN": arn(call, "snapshot", name),
        **copy_data(world, copy_of=source),
    }
    remember_tags(call, world, snapshots[name]["ARN"], params.get("Tags"))
    return {"Snapshot": _described(world, snapshots[name])}


def delete_snapshot(call: Call, world: World) -> Result:
    snapshot = find_snapshot(call, world, call.params["SnapshotName"])
    _require_free(world, snapshot)
    delete_data(world, snapshot)
    del world.table(SNAPSHOTS, call)[snapshot["SnapshotName"]]
    forget_tags(call, world, snapshot["ARN"])
    return {"Snapshot": {**deepcopy(snapshot), "SnapshotStatus": "deleting"}}


def find_snapshot(call: Call, world: World, name: str) -> Record:
    """The snapshot as it is kept. Raises SnapshotNotFoundFault."""
    snapshot: Record | None = world.table(SNAPSHOTS, call).get(name)
    if snapshot is None:
        raise AwsError("SnapshotNotFoundFault", f"Snapshot {name} not found.")
    return snapshot


def _require_free(world: World, snapshot: Record) -> None:
    """Raises InvalidSnapshotState while the snapshot is being exported."""
    phase = world.lifecycles.phase(snapshot["ARN"])
    if phase is not None:
        raise AwsError("InvalidSnapshotState", f"Snapshot {snapshot['SnapshotName']} is {phase}.")


def _described(world: World, snapshot: Record) -> Result:
    phase = world.lifecycles.phase(snapshot["ARN"])
    status = {} if phase is None else {"SnapshotStatus": phase}
    return {**deepcopy(snapshot), **described_data(world, snapshot), **status}
