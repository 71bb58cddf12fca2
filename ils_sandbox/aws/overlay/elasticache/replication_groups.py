"""Creating, changing and deleting replication groups."""

from __future__ import annotations

import secrets
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.elasticache.exports import import_file
from ils_sandbox.aws.overlay.elasticache.parameter_groups import find_parameter_group
from ils_sandbox.aws.overlay.elasticache.records import (
    Record,
    change,
    described_group,
    described_members,
    find_group,
    lay_out,
    promote_replica,
    settled,
)
from ils_sandbox.aws.overlay.elasticache.servers import (
    apply_parameters,
    change_server,
    change_token,
    delete_server,
    fail_over,
    make_server,
    require_complete,
)
from ils_sandbox.aws.overlay.elasticache.snapshots import find_snapshot, take_snapshot
from ils_sandbox.aws.overlay.elasticache.subnet_groups import REPLICATION_GROUPS, find_subnet_group
from ils_sandbox.aws.overlay.elasticache.tags import arn, remember_tags
from ils_sandbox.aws.overlay.elasticache.versions import resolve
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import CacheChange

DEFAULT_MAINTENANCE_WINDOW = "sun:05:00-sun:06:00"
DEFAULT_SNAPSHOT_WINDOW = "03:00-04:00"

# Parameter of CreateReplicationGroup and ModifyReplicationGroup -> what describes it.
PLAIN = {
    "ReplicationGroupDescription": "Description",
    "SnapshotRetentionLimit": "SnapshotRetentionLimit",
    "SnapshotWindow": "SnapshotWindow",
    "CacheNodeType": "CacheNodeType",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "SecurityGroupIds": "SecurityGroupIds",
    "TransitEncryptionEnabled": "TransitEncryptionEnabled",
    "TransitEncryptionMode": "TransitEncryptionMode",
    "IpDiscovery": "IpDiscovery",
    "ClusterMode": "ClusterMode",
    "Durability": "Durability",
}


def create_replication_group(call: Call, world: World) -> Result:
    params = call.params
    name = params["ReplicationGroupId"].lower()
    if name in settled(call, world):
        raise AwsError("ReplicationGroupAlreadyExists", f"Replication group {name} already exists.")
    _check_token(params, encrypted=bool(params.get("TransitEncryptionEnabled")))
    snapshot = find_snapshot(call, world, params["SnapshotName"]) if params.get("SnapshotName") else None
    if snapshot is not None:
        require_complete(world, snapshot)
    elif params.get("SnapshotArns"):
        snapshot = import_file(call, world, params["SnapshotArns"])
    record = _record(call, world, params, name)
    shards = len(params.get("NodeGroupConfiguration") or ()) or params.get("NumNodeGroups") or 1
    replicas = params.get("ReplicasPerNodeGroup")
    if replicas is None:
        replicas = (params.get("NumCacheClusters") or 1) - 1
    if (params.get("AutomaticFailoverEnabled") or params.get("MultiAZEnabled")) and replicas < 1:
        message = "Automatic failover and Multi-AZ need at least one replica in each node group."
        raise AwsError("InvalidParameterCombination", message)
    make_server(call, world, record, params.get("AuthToken"), snapshot)
    if params.get("SnapshotArns"):
        record["imported"] = snapshot
    lay_out(call, world, record, shards, replicas)
    world.table(REPLICATION_GROUPS, call)[name] = record
    remember_tags(call, world, record["ARN"], params.get("Tags"))
    multi_az = record["MultiAZ"] == "enabled"
    minutes = durations.ELASTICACHE_MULTI_AZ_GROUP_CREATE if multi_az else durations.ELASTICACHE_GROUP_CREATE
    change(world, record, "creating", minutes)
    return {"ReplicationGroup": described_group(record)}


def describe_replication_groups(call: Call, world: World) -> Result:
    name = call.params.get("ReplicationGroupId")
    records = [find_group(call, world, name)] if name else list(settled(call, world).values())
    return {"ReplicationGroups": [described_group(record) for record in records]}


def describe_cache_clusters(call: Call, world: World) -> Result:
    params = call.params
    nodes = bool(params.get("ShowCacheNodeInfo"))
    members = [
        member for record in settled(call, world).values() for member in described_members(record, with_nodes=nodes)
    ]
    name = params.get("CacheClusterId")
    if name:
        named = [member for member in members if member["CacheClusterId"] == name.lower()]
        return {"CacheClusters": named} if named else world.forward(call)
    if params.get("ShowCacheClustersNotInReplicationGroups"):
        members = []
    return {"CacheClusters": [*members, *world.forward(call).get("CacheClusters", [])]}


def modify_replication_group(call: Call, world: World) -> Result:
    params = call.params
    record = _changeable(find_group(call, world, params["ReplicationGroupId"]))
    _check_token(params, encrypted=bool(params.get("TransitEncryptionEnabled", record["TransitEncryptionEnabled"])))
    if params.get("EngineVersion") or params.get("Engine"):
        version = resolve(params.get("Engine") or record["Engine"], params.get("EngineVersion"))
        record.update(Engine=version.engine, EngineVersion=version.full)
    if params.get("CacheParameterGroupName"):
        group = find_parameter_group(call, world, params["CacheParameterGroupName"])
        record["CacheParameterGroupName"] = group["CacheParameterGroupName"]
        apply_parameters(call, world, record)
    record.update({shown: params[given] for given, shown in PLAIN.items() if params.get(given) is not None})
    if params.get("TransitEncryptionEnabled") is not None:
        change_server(world, record, CacheChange(tls=params["TransitEncryptionEnabled"]))
    _set_failover(record, params)
    _change_token(record, params)
    change_token(world, record, params.get("AuthToken"), params.get("AuthTokenUpdateStrategy"))
    if params.get("LogDeliveryConfigurations") is not None:
        record["LogDeliveryConfigurations"] = _log_delivery(params["LogDeliveryConfigurations"])
    users = [user for user in record["UserGroupIds"] if user not in (params.get("UserGroupIdsToRemove") or ())]
    record["UserGroupIds"] = [] if params.get("RemoveUserGroups") else users + (params.get("UserGroupIdsToAdd") or [])
    change(world, record, "modifying", durations.ELASTICACHE_GROUP_MODIFY)
    return {"ReplicationGroup": described_group(record)}


def change_replica_count(call: Call, world: World) -> Result:
    """IncreaseReplicaCount and DecreaseReplicaCount."""
    record = _changeable(find_group(call, world, call.params["ReplicationGroupId"]))
    replicas = call.params["NewReplicaCount"]
    if record["AutomaticFailover"] == "enabled" and replicas < 1:
        message = "Automatic failover needs at least one replica in each node group."
        raise AwsError("InvalidParameterCombination", message)
    lay_out(call, world, record, len(record["NodeGroups"]), replicas)
    change(world, record, "modifying", durations.ELASTICACHE_GROUP_MODIFY)
    return {"ReplicationGroup": described_group(record)}


def test_failover(call: Call, world: World) -> Result:
    """TestFailover: a replica becomes the primary."""
    record = _changeable(find_group(call, world, call.params["ReplicationGroupId"]))
    if record["AutomaticFailover"] != "enabled":
        message = f"Automatic failover is not enabled for replication group {record['ReplicationGroupId']}."
        raise AwsError("InvalidReplicationGroupState", message)
    wanted = call.params["NodeGroupId"]
    found = [group for group in record["NodeGroups"] if group["NodeGroupId"] == wanted]
    if not found:
        raise AwsError("NodeGroupNotFoundFault", f"Node group {wanted} not found.")
    promote_replica(found[0])
    fail_over(world, record)
    change(world, record, "modifying", durations.ELASTICACHE_GROUP_MODIFY)
    return {"ReplicationGroup": described_group(record)}


def delete_replication_group(call: Call, world: World) -> Result:
    record = find_group(call, world, call.params["ReplicationGroupId"])
    if record["Status"] != "deleting":
        _changeable(record)
        if call.params.get("FinalSnapshotIdentifier"):
            take_snapshot(call, world, record, call.params["FinalSnapshotIdentifier"])
        delete_server(world, record)
        change(world, record, "deleting", durations.ELASTICACHE_GROUP_DELETE)
    return {"ReplicationGroup": described_group(record)}


def _record(call: Call, world: World, params: dict[str, Any], name: str) -> Record:
    version = resolve(params.get("Engine") or "redis", params.get("EngineVersion"))
    parameters = find_parameter_group(call, world, params.get("CacheParameterGroupName") or f"default.{version.family}")
    subnets = params.get("CacheSubnetGroupName")
    encrypted = bool(params.get("TransitEncryptionEnabled"))
    token = params.get("AuthToken")
    several = (params.get("NumNodeGroups") or 1) > 1 or params.get("ClusterMode") == "enabled"
    cluster_mode = several or parameters["parameters"].get("cluster-enabled") == "yes"
    cluster_mode = cluster_mode or parameters["CacheParameterGroupName"].endswith(".cluster.on")
    now = datetime.now(UTC)
    record: Record = {
        "ReplicationGroupId": name,
        "ARN": arn(call, "replicationgroup", name),
        "ReplicationGroupCreateTime": now,
        "PendingModifiedValues": {},
        "Engine": version.engine,
        "EngineVersion": version.full,
        "CacheParameterGroupName": parameters["CacheParameterGroupName"],
        "CacheSubnetGroupName": find_subnet_group(call, world, subnets)["CacheSubnetGroupName"]
        if subnets
        else "default",
        "CacheNodeType": "cache.t4g.micro",
        "AutomaticFailover": "disabled",
        "MultiAZ": "disabled",
        "SnapshotRetentionLimit": 0,
        "SnapshotWindow": DEFAULT_SNAPSHOT_WINDOW,
        "PreferredMaintenanceWindow": DEFAULT_MAINTENANCE_WINDOW,
        "ClusterEnabled": cluster_mode,
        "ClusterMode": "enabled" if cluster_mode else "disabled",
        "TransitEncryptionEnabled": encrypted,
        "TransitEncryptionMode": "required" if encrypted else None,
        "AtRestEncryptionEnabled": bool(params.get("AtRestEncryptionEnabled")) or version.engine == "valkey",
        "KmsKeyId": params.get("KmsKeyId"),
        "AuthTokenEnabled": token is not None,
        "AuthTokenLastModifiedDate": now if token is not None else None,
        "UserGroupIds": list(params.get("UserGroupIds") or []),
        "LogDeliveryConfigurations": _log_delivery(params.get("LogDeliveryConfigurations") or []),
        "AutoMinorVersionUpgrade": True,
        "DataTiering": "enabled" if params.get("DataTieringEnabled") else "disabled",
        "NetworkType": params.get("NetworkType") or "ipv4",
        "IpDiscovery": "ipv4",
        "SecurityGroupIds": [],
        "NotificationConfiguration": _notification(params.get("NotificationTopicArn")),
        "port": params.get("Port") or 6379,
        "unique": secrets.token_hex(3),
    }
    record.update({shown: params[given] for given, shown in PLAIN.items() if params.get(given) is not None})
    _set_failover(record, params)
    return record


def _set_failover(record: Record, params: dict[str, Any]) -> None:
    for given, shown in (("AutomaticFailoverEnabled", "AutomaticFailover"), ("MultiAZEnabled", "MultiAZ")):
        if params.get(given) is not None:
            record[shown] = "enabled" if params[given] else "disabled"
    if record["MultiAZ"] == "enabled" and record["AutomaticFailover"] == "disabled":
        raise AwsError("InvalidParameterCombination", "Must enable automatic failover to enable Multi-AZ.")


def _check_token(params: dict[str, Any], *, encrypted: bool) -> None:
    token = params.get("AuthToken")
    if token is None:
        return
    if not encrypted:
        message = "The AUTH token parameter requires in-transit encryption (TransitEncryptionEnabled)."
        raise AwsError("InvalidParameterCombination", message)
    if not 16 <= len(token) <= 128 or any(character in token for character in '@"/ ') or not token.isascii():
        message = 'Invalid AuthToken provided: 16 to 128 ASCII characters are needed, and none of @ " / and space.'
        raise AwsError("InvalidParameterValue", message)


def _change_token(record: Record, params: dict[str, Any]) -> None:
    strategy = params.get("AuthTokenUpdateStrategy")
    if strategy == "DELETE":
        record.update(AuthTokenEnabled=False, AuthTokenLastModifiedDate=None)
    elif params.get("AuthToken") is not None:
        if strategy == "SET" and not record["AuthTokenEnabled"]:
            message = "The AUTH token strategy SET needs an existing token; use ROTATE to add the first one."
            raise AwsError("InvalidParameterCombination", message)
        record.update(AuthTokenEnabled=True, AuthTokenLastModifiedDate=datetime.now(UTC))


def _log_delivery(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**{key: value for key, value in deepcopy(entry).items() if key != "Enabled"}, "Status": "active"}
        for entry in given
        if entry.get("Enabled", True)
    ]


def _notification(topic: str | None) -> dict[str, str] | None:
    return None if topic is None else {"TopicArn": topic, "TopicStatus": "active"}


def _changeable(record: Record) -> Record:
    if record["Status"] != "available":
        message = (
            f"Replication group {record['ReplicationGroupId']} has status {record['Status']} and cannot be changed now."
        )
        raise AwsError("InvalidReplicationGroupState", message)
    return record
