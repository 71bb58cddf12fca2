"""Cache subnet groups."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.elasticache.tags import arn, forget_tags, remember_tags
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.aws.responses import AwsError

SUBNET_GROUPS = "elasticache.subnet-groups"
REPLICATION_GROUPS = "elasticache.replication-groups"


def create_cache_subnet_group(call: Call, world: World) -> Result:
    params = call.params
    name = params["CacheSubnetGroupName"].lower()
    groups = world.table(SUBNET_GROUPS, call)
    if name in groups:
        raise AwsError("CacheSubnetGroupAlreadyExists", f"Cache subnet group {name} already exists.")
    vpc, subnets = _subnets(call, world, params["SubnetIds"])
    groups[name] = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": params["CacheSubnetGroupDescription"],
        "VpcId": vpc,
        "Subnets": subnets,
        "ARN": arn(call, "subnetgroup", name),
        "SupportedNetworkTypes": ["ipv4"],
    }
    remember_tags(call, world, groups[name]["ARN"], params.get("Tags"))
    return {"CacheSubnetGroup": deepcopy(groups[name])}


def find_subnet_group(call: Call, world: World, name: str) -> dict[str, Any]:
    """The group as it is kept. Raises CacheSubnetGroupNotFoundFault."""
    group: dict[str, Any] | None = world.table(SUBNET_GROUPS, call).get(name.lower())
    if group is None:
        raise AwsError("CacheSubnetGroupNotFoundFault", f"CacheSubnetGroup {name} not found.")
    return group


def describe_cache_subnet_groups(call: Call, world: World) -> Result:
    name = call.params.get("CacheSubnetGroupName")
    groups = [find_subnet_group(call, world, name)] if name else list(world.table(SUBNET_GROUPS, call).values())
    return {"CacheSubnetGroups": deepcopy(groups)}


def modify_cache_subnet_group(call: Call, world: World) -> Result:
    params = call.params
    group = find_subnet_group(call, world, params["CacheSubnetGroupName"])
    if params.get("SubnetIds"):
        group["VpcId"], group["Subnets"] = _subnets(call, world, params["SubnetIds"])
    if params.get("CacheSubnetGroupDescription") is not None:
        group["CacheSubnetGroupDescription"] = params["CacheSubnetGroupDescription"]
    return {"CacheSubnetGroup": deepcopy(group)}


def delete_cache_subnet_group(call: Call, world: World) -> Result:
    group = find_subnet_group(call, world, call.params["CacheSubnetGroupName"])
    name = group["CacheSubnetGroupName"]
    if any(record["CacheSubnetGroupName"] == name for record in world.table(REPLICATION_GROUPS, call).values()):
        raise AwsError("CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use by a cache cluster.")
    del world.table(SUBNET_GROUPS, call)[name]
    forget_tags(call, world, group["ARN"])
    return {}


def _subnets(call: Call, world: World, ids: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """The VPC and the descriptions of subnets, which must exist and be of one VPC."""
    try:
        found = world.invoke(call, "ec2", "DescribeSubnets", SubnetIds=ids)["Subnets"]
    except MotoRefusedError as refused:
        raise AwsError("InvalidSubnet", f"Some subnets of {ids} do not exist.") from refused
    vpcs = {str(subnet["VpcId"]) for subnet in found}
    if len(vpcs) != 1:
        raise AwsError("InvalidSubnet", f"The subnets {ids} are not of one VPC.")
    by_id = {subnet["SubnetId"]: subnet for subnet in found}
    return vpcs.pop(), [
        {
            "SubnetIdentifier": identifier,
            "SubnetAvailabilityZone": {"Name": by_id[identifier]["AvailabilityZone"]},
            "SupportedNetworkTypes": ["ipv4"],
        }
        for identifier in ids
    ]
