"""Replication groups as they are kept, and as they and their members are described.

The kept record is the description of the group plus what only its members show (subnet group, parameter group, version,
windows, security groups); the serializer leaves out what a description does not have.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.elasticache.servers import pass_on_token, restoring
from ils_sandbox.aws.overlay.elasticache.subnet_groups import REPLICATION_GROUPS, SUBNET_GROUPS
from ils_sandbox.aws.overlay.elasticache.tags import forget_tags
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

Record = dict[str, Any]


def find_group(call: Call, world: World, name: str) -> Record:
    """The group, its status brought up to date. Raises ReplicationGroupNotFoundFault."""
    record = settled(call, world).get(name.lower())
    if record is None:
        raise AwsError("ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found.")
    return record


def settled(call: Call, world: World) -> dict[str, Record]:
    """All groups by id, their phases that are over ended."""
    groups = world.table(REPLICATION_GROUPS, call)
    for name, record in list(groups.items()):
        pass_on_token(world, record)
        if world.lifecycles.phase(record["ARN"]) is not None:
            continue
        if record["Status"] == "deleting":
            del groups[name]
            forget_tags(call, world, record["ARN"])
        else:
            record["Status"] = restoring(world, record) or "available"
            record["PendingModifiedValues"] = {}
    return groups


def change(world: World, record: Record, status: str, minutes: float) -> None:
    """Let a phase begin."""
    record["Status"] = status
    world.lifecycles.begin(record["ARN"], status, minutes)


def lay_out(call: Call, world: World, record: Record, shards: int, replicas: int) -> None:
    """Give the group its nodes: `shards` node groups of one primary and `replicas` replicas each."""
    zones = _zones(call, world, record)
    region, name = call.region, record["ReplicationGroupId"]
    cluster_mode = record["ClusterEnabled"]
    unique, port = record["unique"], record["port"]
    prefix = "" if record["TransitEncryptionEnabled"] else f"{unique}."
    groups: list[Record] = []
    members: list[str] = []
    for shard in range(1, shards + 1):
        nodes = []
        for node in range(1, replicas + 2):
            member = f"{name}-{shard:04}-{node:03}" if cluster_mode else f"{name}-{node:03}"
            members.append(member)
            nodes.append(
                {
                    "CacheClusterId": member,
                    "CacheNodeId": "0001",
                    "PreferredAvailabilityZone": zones[(shard + node) % len(zones)],
                    **(
                        {}
                        if cluster_mode
                        else {
                            "CurrentRole": "primary" if node == 1 else "replica",
                            "ReadEndpoint": record.get("primary" if node == 1 else "reader")
                            or {"Address": _host(f"{member}.{name}.{unique}", region), "Port": port},
                        }
                    ),
                }
            )
        group: Record = {"NodeGroupId": f"{shard:04}", "NodeGroupMembers": nodes}
        if cluster_mode:
            first, last = 16384 * (shard - 1) // shards, 16384 * shard // shards - 1
            group["Slots"] = f"{first}-{last}"
        else:
            for key, known, usual in (
                ("PrimaryEndpoint", "primary", f"master.{name}.{prefix}{unique}"),
                ("ReaderEndpoint", "reader", f"replica.{name}.{prefix}{unique}"),
            ):
                group[key] = record.get(known) or {"Address": _host(usual, region), "Port": port}
        groups.append(group)
    record["NodeGroups"], record["MemberClusters"] = groups, members
    if cluster_mode:
        record["ConfigurationEndpoint"] = {"Address": _host(f"clustercfg.{name}.{unique}", region), "Port": port}


def promote_replica(group: Record) -> None:
    """Let the first replica of a node group and its primary change places."""
    nodes = group["NodeGroupMembers"]
    old = next((node for node in nodes if node.get("CurrentRole") == "primary"), None)
    new = next((node for node in nodes if node.get("CurrentRole") == "replica"), None)
    if old is None or new is None:
        return
    for node, role in ((old, "replica"), (new, "primary")):
        node["CurrentRole"] = role
    if "PrimaryEndpoint" in group:
        old["ReadEndpoint"], new["ReadEndpoint"] = new["ReadEndpoint"], old["ReadEndpoint"]


def _host(name: str, region: str) -> str:
    """A cache host name: `us-east-1` is `use1` in it, `ap-northeast-2` is `apne2`."""
    area, direction, number = region.rsplit("-", 2)
    initials = direction[0] + ("e" if direction.endswith("east") else "w" if direction.endswith("west") else "")
    short = initials if direction not in ("east", "west") else direction[0]
    return f"{name}.{area.replace('-', '')}{short}{number}.cache.amazonaws.com"


def _zones(call: Call, world: World, record: Record) -> list[str]:
    group = world.table(SUBNET_GROUPS, call).get(record["CacheSubnetGroupName"])
    if group is None:
        return [f"{call.region}{zone}" for zone in "abc"]
    return sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in group["Subnets"]})


def described_group(record: Record) -> Result:
    """The group as ElastiCache describes it; nodes and endpoints are there once it is created."""
    described = deepcopy(record)
    if record["Status"] == "creating":
        for key in ("NodeGroups", "ConfigurationEndpoint"):
            described.pop(key, None)
    return described


def described_members(record: Record, *, with_nodes: bool = True) -> list[Result]:
    """The group's nodes, each as a cache cluster."""
    return [
        _described_member(record, group, node, with_nodes=with_nodes)
        for group in record["NodeGroups"]
        for node in group["NodeGroupMembers"]
    ]


def _described_member(record: Record, group: Record, node: Record, *, with_nodes: bool) -> Result:
    created = record["ReplicationGroupCreateTime"]
    zone = node["PreferredAvailabilityZone"]
    member = {
        **deepcopy(record),
        "CacheClusterId": node["CacheClusterId"],
        "CacheClusterStatus": record["Status"],
        "CacheClusterCreateTime": created,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": zone,
        "CacheParameterGroup": {
            "CacheParameterGroupName": record["CacheParameterGroupName"],
            "ParameterApplyStatus": "in-sync",
            "CacheNodeIdsToReboot": [],
        },
        "SecurityGroups": [{"SecurityGroupId": each, "Status": "active"} for each in record["SecurityGroupIds"]],
        "PendingModifiedValues": {},
        "ReplicationGroupLogDeliveryEnabled": bool(record.get("LogDeliveryConfigurations")),
        "ARN": record["ARN"].replace(":replicationgroup:", ":cluster:").rpartition(":")[0]
        + f":{node['CacheClusterId']}",
    }
    if with_nodes:
        member["CacheNodes"] = [
            {
                "CacheNodeId": "0001",
                "CacheNodeStatus": record["Status"],
                "CacheNodeCreateTime": created,
                "CustomerAvailabilityZone": zone,
                "ParameterGroupStatus": "in-sync",
                "Endpoint": node.get("ReadEndpoint") or group.get("PrimaryEndpoint"),
            }
        ]
    return member
