"""Deletions that EC2 refuses because something still depends on the resource, and moto does not.

A teardown in the wrong order fails here as it would in AWS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks.records import CLUSTERS, NODEGROUPS
from ils_sandbox.aws.overlay.elasticache.subnet_groups import REPLICATION_GROUPS, SUBNET_GROUPS
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

Dependents = Callable[[Call, World, str], list[str]]


def _list(call: Call, world: World, operation: str, key: str, **filters: str) -> list[dict[str, Any]]:
    listed = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    found: list[dict[str, Any]] = world.invoke(call, "ec2", operation, Filters=listed).get(key, [])
    return found


def _gateways(call: Call, world: World, **filters: str) -> list[str]:
    listed = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    found = world.invoke(call, "ec2", "DescribeNatGateways", Filter=listed).get("NatGateways", [])
    alive = [gateway["NatGatewayId"] for gateway in found if gateway["State"] != "deleted"]
    deleting = [
        gateway["NatGatewayId"] for gateway in found if world.lifecycles.phase(gateway["NatGatewayId"]) == "deleting"
    ]
    return alive + deleting


def _balancers(call: Call, world: World, uses: Callable[[Any], bool]) -> list[str]:
    """The load balancers of which `uses` says so."""
    return [balancer.name for balancer in world.backend(call, "elbv2").load_balancers.values() if uses(balancer)]


def _of_subnet(call: Call, world: World, subnet: str) -> list[str]:
    """What has a network interface in the subnet."""
    clusters = world.table(CLUSTERS, call).values()
    nodegroups = world.table(NODEGROUPS, call).values()
    caches = {
        group["CacheSubnetGroupName"]
        for group in world.table(SUBNET_GROUPS, call).values()
        if subnet in (each["SubnetIdentifier"] for each in group["Subnets"])
    }
    instances = world.invoke(call, "rds", "DescribeDBInstances").get("DBInstances", [])
    return [
        *_gateways(call, world, subnet_id=subnet),
        *_balancers(call, world, lambda balancer: subnet in (each.id for each in balancer.subnets)),
        *(record["name"] for record in clusters if subnet in record["resourcesVpcConfig"]["subnetIds"]),
        *(record["nodegroupName"] for record in nodegroups if subnet in record["subnets"]),
        *(
            record["ReplicationGroupId"]
            for record in world.table(REPLICATION_GROUPS, call).values()
            if record["CacheSubnetGroupName"] in caches
        ),
        *(
            instance["DBInstanceIdentifier"]
            for instance in instances
            if subnet in (each["SubnetIdentifier"] for each in instance.get("DBSubnetGroup", {}).get("Subnets", []))
        ),
    ]


def _of_vpc(call: Call, world: World, vpc: str) -> list[str]:
    attached = [("attachment.vpc-id", vpc)]
    gateways = world.invoke(
        call, "ec2", "DescribeInternetGateways", Filters=[{"Name": name, "Values": [value]} for name, value in attached]
    ).get("InternetGateways", [])
    groups = _list(call, world, "DescribeSecurityGroups", "SecurityGroups", vpc_id=vpc)
    endpoints = _list(call, world, "DescribeVpcEndpoints", "VpcEndpoints", vpc_id=vpc)
    return [
        *_gateways(call, world, vpc_id=vpc),
        *(gateway["InternetGatewayId"] for gateway in gateways),
        *(group["GroupId"] for group in groups if group["GroupName"] != "default"),
        *(endpoint["VpcEndpointId"] for endpoint in endpoints if endpoint["State"] != "deleted"),
    ]


def _of_security_group(call: Call, world: World, group: str) -> list[str]:
    """The groups whose rules refer to this one, and what has it on its network interfaces."""
    rules = world.invoke(call, "ec2", "DescribeSecurityGroupRules").get("SecurityGroupRules", [])
    referring = {
        rule["GroupId"]
        for rule in rules
        if rule["GroupId"] != group and (rule.get("ReferencedGroupInfo") or {}).get("GroupId") == group
    }
    instances = world.invoke(call, "rds", "DescribeDBInstances").get("DBInstances", [])
    return [
        *sorted(referring),
        *_balancers(call, world, lambda balancer: group in (balancer.security_groups or ())),
        *(
            record["name"]
            for record in world.table(CLUSTERS, call).values()
            if group in record["resourcesVpcConfig"]["securityGroupIds"]
        ),
        *(
            record["ReplicationGroupId"]
            for record in world.table(REPLICATION_GROUPS, call).values()
            if group in record["SecurityGroupIds"]
        ),
        *(
            instance["DBInstanceIdentifier"]
            for instance in instances
            if group in (each["VpcSecurityGroupId"] for each in instance.get("VpcSecurityGroups", []))
        ),
    ]


def _public_gateways(call: Call, world: World, vpc: str) -> list[str]:
    """The NAT gateways and load balancers with a public address, which need the internet gateway."""
    found = world.invoke(call, "ec2", "DescribeNatGateways", Filter=[{"Name": "vpc-id", "Values": [vpc]}])
    public = {each["NatGatewayId"] for each in found.get("NatGateways", []) if each["ConnectivityType"] == "public"}
    facing = _balancers(call, world, lambda each: each.vpc_id == vpc and each.scheme == "internet-facing")
    return [gateway for gateway in _gateways(call, world, vpc_id=vpc) if gateway in public] + facing


def release_address(call: Call, world: World) -> Result:
    allocation = call.params.get("AllocationId")
    if allocation:
        found = world.invoke(call, "ec2", "DescribeAddresses", AllocationIds=[allocation])["Addresses"]
        if found[0].get("AssociationId"):
            message = f"Address {found[0]['PublicIp']} ({allocation}) is in use."
            raise AwsError("InvalidIPAddress.InUse", message)
    return world.forward(call)


def _refuse(kind: str, key: str, dependents: Dependents) -> Callable[[Call, World], Result]:
    def delete(call: Call, world: World) -> Result:
        identifier = call.params.get(key)
        depending = dependents(call, world, identifier) if identifier else []
        if depending:
            message = f"The {kind} '{identifier}' has dependencies and cannot be deleted: {', '.join(depending)}"
            raise AwsError("DependencyViolation", message)
        return world.forward(call)

    return delete


ROUTES: Routes = {
    "DeleteSecurityGroup": _refuse("securityGroup", "GroupId", _of_security_group),
    "DeleteSubnet": _refuse("subnet", "SubnetId", _of_subnet),
    "DeleteVpc": _refuse("vpc", "VpcId", _of_vpc),
    "DetachInternetGateway": _refuse("vpc", "VpcId", _public_gateways),
    "ReleaseAddress": release_address,
}
