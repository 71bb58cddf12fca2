"""Finding in an account what an interrupted create made, before Pulumi could record it.

By the tags that every resource of ours is made with: its name, layer and environment together are its own. Of what has no
tags only aliases of keys are looked for; the others are created again, which AWS takes as done (policies attached, routes) or
refuses by name, loudly.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.targets.found_by_name import BY_NAME
from ils_pipelines.targets.going import is_going

ARN = "{arn}"


@dataclass(frozen=True)
class _Kind:
    """How a type of resource stands in ARNs: `tail` matches what follows the account; `id` is Pulumi's id, with the tail's
    groups in it."""

    tail: str
    id: str = r"\1"


def _ec2(name: str) -> _Kind:
    return _Kind(f"{name}/(.+)")


KINDS: Mapping[str, _Kind] = {
    "aws:ec2/vpc:Vpc": _ec2("vpc"),
    "aws:ec2/subnet:Subnet": _ec2("subnet"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("internet-gateway"),
    "aws:ec2/eip:Eip": _ec2("elastic-ip"),
    "aws:ec2/natGateway:NatGateway": _ec2("natgateway"),
    "aws:ec2/routeTable:RouteTable": _ec2("route-table"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpc-endpoint"),
    "aws:ec2/flowLog:FlowLog": _ec2("vpc-flow-log"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("security-group"),
    "aws:ec2/launchTemplate:LaunchTemplate": _ec2("launch-template"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ec2("security-group-rule"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _ec2("security-group-rule"),
    "aws:kms/key:Key": _Kind("key/(.+)"),
    "aws:kms/replicaKey:ReplicaKey": _Kind("key/(.+)"),
    "aws:cloudwatch/logGroup:LogGroup": _Kind("log-group:([^:]+)"),
    "aws:eks/cluster:Cluster": _Kind("cluster/(.+)"),
    "aws:eks/nodeGroup:NodeGroup": _Kind("nodegroup/([^/]+)/([^/]+)/.+", r"\1:\2"),
    "aws:eks/addon:Addon": _Kind("addon/([^/]+)/([^/]+)/.+", r"\1:\2"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _Kind("podidentityassociation/[^/]+/(.+)"),
    "aws:rds/subnetGroup:SubnetGroup": _Kind("subgrp:(.+)"),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _Kind("cluster-pg:(.+)"),
    "aws:rds/cluster:Cluster": _Kind("cluster:(.+)"),
    "aws:rds/clusterInstance:ClusterInstance": _Kind("db:(.+)"),
    "aws:elasticache/subnetGroup:SubnetGroup": _Kind("subnetgroup:(.+)"),
    "aws:elasticache/parameterGroup:ParameterGroup": _Kind("parametergroup:(.+)"),
    "aws:elasticache/replicationGroup:ReplicationGroup": _Kind("replicationgroup:(.+)"),
    "aws:dynamodb/table:Table": _Kind("table/(.+)"),
    "aws:lb/loadBalancer:LoadBalancer": _Kind("loadbalancer/app/.+", ARN),
    "aws:lb/targetGroup:TargetGroup": _Kind("targetgroup/.+", ARN),
    "aws:lb/listener:Listener": _Kind("listener/.+", ARN),
    "aws:acm/certificate:Certificate": _Kind("certificate/.+", ARN),
    "aws:s3/bucket:Bucket": _Kind("([^/:]+)"),
    "aws:backup/vault:Vault": _Kind("backup-vault:(.+)"),
    "aws:backup/plan:Plan": _Kind("backup-plan:(.+)"),
    "aws:secretsmanager/secret:Secret": _Kind("secret:.+", ARN),
    "aws:amp/workspace:Workspace": _Kind("workspace/(.+)"),
    "aws:xray/group:Group": _Kind("group/.+", ARN),
    "aws:xray/samplingRule:SamplingRule": _Kind("sampling-rule/(.+)"),
}
"""By Pulumi's type. What the tagging API does not list is found by its name."""

_SERVICES = {"vpc": "ec2", "lb": "elasticloadbalancing", "cloudwatch": "logs", "amp": "aps"}
"""Where Pulumi's module is not the service's name in ARNs."""

_EGRESS = {
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": False,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": True,
}
"""The two ends of one flow have the same name."""

_READY: Mapping[str, tuple[str, str, Callable[[str], dict[str, Any]]]] = {
    "aws:ec2/natGateway:NatGateway": ("ec2", "nat_gateway_available", lambda id_: {"NatGatewayIds": [id_]}),
    "aws:eks/cluster:Cluster": ("eks", "cluster_active", lambda id_: {"name": id_}),
    "aws:eks/nodeGroup:NodeGroup": (
        "eks",
        "nodegroup_active",
        lambda id_: dict(zip(("clusterName", "nodegroupName"), id_.split(":"), strict=True)),
    ),
    "aws:rds/cluster:Cluster": ("rds", "db_cluster_available", lambda id_: {"DBClusterIdentifier": id_}),
    "aws:rds/clusterInstance:ClusterInstance": (
        "rds",
        "db_instance_available",
        lambda id_: {"DBInstanceIdentifier": id_},
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "elasticache",
        "replication_group_available",
        lambda id_: {"ReplicationGroupId": id_},
    ),
    "aws:dynamodb/table:Table": ("dynamodb", "table_exists", lambda id_: {"TableName": id_}),
    "aws:lb/loadBalancer:LoadBalancer": (
        "elbv2",
        "load_balancer_available",
        lambda id_: {"LoadBalancerArns": [id_]},
    ),
}
"""What takes AWS some time: the waiter of boto3 for it, by Pulumi's id."""


class Client(Protocol):
    def __call__(self, service: str, *, region: str | None = None) -> Any: ...


class AwsFinder:
    """`ils_pipelines.engine.pulumi.adoption.Finder` for an account; `client` makes its boto3 clients."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(
        self, urn: str, inputs: Mapping[str, Any], known_ids: frozenset[str], provider: Mapping[str, Any]
    ) -> str | None:
        """Raises EngineError when more than one resource has these tags, as it cannot be told which is meant."""
        kind, tags, region = _type_of(urn), inputs.get("tags") or {}, _region(inputs, provider)
        if kind in BY_NAME:
            found = BY_NAME[kind](self._client, inputs, region)
        elif kind in KINDS and "Name" in tags:
            found = self._tagged(kind, tags, region)
        else:
            return None
        there = self._of_direction(kind, found - known_ids, region)
        new = sorted(id_ for id_ in there if not is_going(self._client, kind, id_, region))
        if len(new) > 1:
            raise EngineError(
                f"{urn} was being created when a run was interrupted, and {len(new)} resources have its tags: "
                f"{', '.join(new)}. Delete those that nobody needs, then try again."
            )
        return new[0] if new else None

    def resume(
        self, urn: str, id_: str, inputs: Mapping[str, Any], provider: Mapping[str, Any], cancel: threading.Event
    ) -> None:
        """Wait until the resource is usable, or `cancel` is set; what else a create does, Pulumi sees. Raises EngineError
        when it does not become usable."""
        if _type_of(urn) not in _READY:
            return
        service, name, arguments = _READY[_type_of(urn)]
        waiter = self._client(service, region=_region(inputs, provider)).get_waiter(name)
        for _ in range(waiter.config.max_attempts):
            if _usable(waiter, urn, arguments(id_)) or cancel.wait(waiter.config.delay):
                return
        raise EngineError(f"{urn} ({id_}), which an interrupted run made, is not usable yet. Try again later.")

    def _tagged(self, kind: str, tags: Mapping[str, str], region: str | None) -> set[str]:
        client = self._client("resourcegroupstaggingapi", region=region)
        filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
        pages = client.get_paginator("get_resources").paginate(TagFilters=filters)
        arns = [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]
        return {id_ for arn in arns if (id_ := id_of(kind, arn)) is not None}

    def _of_direction(self, kind: str, found: set[str], region: str | None) -> set[str]:
        """Of security group rules, those that let in, or those that let out."""
        if kind not in _EGRESS or not found:
            return found
        pages = self._client("ec2", region=region).get_paginator("describe_security_group_rules")
        rules = [
            rule for page in pages.paginate(SecurityGroupRuleIds=sorted(found)) for rule in page["SecurityGroupRules"]
        ]
        return {rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] is _EGRESS[kind]}


def _usable(waiter: Any, urn: str, arguments: Mapping[str, Any]) -> bool:
    """Look once."""
    from botocore.exceptions import WaiterError

    try:
        waiter.wait(**arguments, WaiterConfig={"MaxAttempts": 1})
    except WaiterError as error:
        reason = str(error.kwargs["reason"])
        if not reason.startswith("Max attempts exceeded"):  # botocore has no other way to say "not yet"
            raise EngineError(f"{urn}, which an interrupted run made, does not become usable: {reason}") from error
        return False
    return True


def id_of(kind: str, arn: str) -> str | None:
    """Pulumi's id of the resource with this ARN, if it is of the type `kind`."""
    service, tail = arn.split(":", 5)[2], arn.split(":", 5)[5]
    module = kind.split(":")[1].partition("/")[0]
    match = re.fullmatch(KINDS[kind].tail, tail)
    if service != _SERVICES.get(module, module) or match is None:
        return None
    return arn if KINDS[kind].id == ARN else match.expand(KINDS[kind].id)


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _region(inputs: Mapping[str, Any], provider: Mapping[str, Any]) -> str | None:
    region = inputs.get("region") or provider.get("region")
    return str(region) if region else None
