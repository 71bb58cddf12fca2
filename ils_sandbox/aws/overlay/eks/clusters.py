"""EKS clusters."""

from __future__ import annotations

import secrets
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.eks.records import (
    CLUSTERS,
    arn,
    cluster_names,
    described_cluster,
    find_cluster,
    name_stand_in,
    nodegroups_of,
    stand_in,
)
from ils_sandbox.aws.overlay.eks.versions import DEFAULT_VERSION, creatable
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.aws.responses import AwsError

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# Kept and described exactly as the caller gives them.
AS_GIVEN = (
    "computeConfig",
    "controlPlaneScalingConfig",
    "encryptionConfig",
    "kubeApiServerConfig",
    "kubeControllerManagerConfig",
    "kubeSchedulerConfig",
    "outpostConfig",
    "remoteNetworkConfig",
    "storageConfig",
    "zonalShiftConfig",
)


def create_cluster(call: Call, world: World) -> Result:
    params = call.params
    name, token = params["name"], params.get("clientRequestToken")
    existing = world.table(CLUSTERS, call).get(name)
    if existing is not None:
        if token and existing["clientRequestToken"] == token:
            return {"cluster": described_cluster(world, existing)}
        raise AwsError("ResourceInUseException", f"Cluster already exists with name: {name}")
    version = creatable(params.get("version") or DEFAULT_VERSION)
    _check_role(call, world, params["roleArn"])
    vpc = _vpc(call, world, params["resourcesVpcConfig"].get("subnetIds") or [])
    record = {
        "name": name,
        "arn": arn(call, f"cluster/{name}"),
        "createdAt": datetime.now(UTC),
        "version": version.version,
        "platformVersion": version.platform,
        "roleArn": params["roleArn"],
        "resourcesVpcConfig": _network(params["resourcesVpcConfig"], vpc),
        "kubernetesNetworkConfig": _service_network(params.get("kubernetesNetworkConfig") or {}),
        "logging": logging_of(params.get("logging") or {}),
        "identity": {"oidc": {"issuer": _issuer(call)}},
        "status": "CREATING",
        "clientRequestToken": token,
        "tags": dict(params.get("tags") or {}),
        "health": {"issues": []},
        "accessConfig": {
            "authenticationMode": "CONFIG_MAP",
            "bootstrapClusterCreatorAdminPermissions": True,
            **(params.get("accessConfig") or {}),
        },
        "upgradePolicy": {"supportType": "EXTENDED", **(params.get("upgradePolicy") or {})},
        "deletionProtection": bool(params.get("deletionProtection")),
        **{key: deepcopy(params[key]) for key in AS_GIVEN if params.get(key) is not None},
    }
    record["resourcesVpcConfig"]["clusterSecurityGroupId"] = _create_security_group(call, world, name, vpc)
    name_stand_in(call, world, record)
    world.table(CLUSTERS, call)[name] = record
    world.lifecycles.begin(record["arn"], "CREATING", durations.EKS_CLUSTER_CREATE)
    return {"cluster": described_cluster(world, record)}


def describe_cluster(call: Call, world: World) -> Result:
    return {"cluster": described_cluster(world, find_cluster(call, world, call.params["name"]))}


def list_clusters(call: Call, world: World) -> Result:
    return {"clusters": cluster_names(call, world)}


def delete_cluster(call: Call, world: World) -> Result:
    record = find_cluster(call, world, call.params["name"])
    if record["deletionProtection"]:
        message = "Cluster deletion is not allowed because deletion protection is enabled."
        raise AwsError("InvalidRequestException", message)
    if nodegroups_of(call, world, record["name"]):
        raise AwsError("ResourceInUseException", "Cluster has nodegroups attached")
    if record["status"] not in ("DELETING", "ACTIVE", "FAILED"):
        message = f"Cluster {record['name']} is being changed (status {record['status']})"
        raise AwsError("ResourceInUseException", message)
    if record["status"] != "DELETING":
        if world.kubernetes is not None:
            world.kubernetes.delete_cluster(stand_in(record))
        record["status"] = "DELETING"
        world.lifecycles.begin(record["arn"], "DELETING", durations.EKS_CLUSTER_DELETE)
    return {"cluster": described_cluster(world, record)}


def logging_of(given: dict[str, Any], current: dict[str, Any] | None = None) -> dict[str, Any]:
    """All log types, those enabled first: what is given changes `current`, or the default, which is none."""
    enabled = {
        kind for entry in (current or {}).get("clusterLogging", []) if entry["enabled"] for kind in entry["types"]
    }
    for entry in given.get("clusterLogging") or []:
        change = enabled.update if entry.get("enabled") else enabled.difference_update
        change(entry.get("types") or [])
    groups = (
        {"types": [kind for kind in LOG_TYPES if kind in enabled], "enabled": True},
        {"types": [kind for kind in LOG_TYPES if kind not in enabled], "enabled": False},
    )
    return {"clusterLogging": [group for group in groups if group["types"]]}


def _check_role(call: Call, world: World, role: str) -> None:
    try:
        world.invoke(call, "iam", "GetRole", RoleName=role.rpartition("/")[2])
    except MotoRefusedError as refused:
        raise AwsError("InvalidParameterException", f"Role with arn: {role}, could not be assumed.") from refused


def _vpc(call: Call, world: World, subnets: list[str]) -> str:
    """The one VPC of all subnets, which must be in two zones or more."""
    try:
        found = world.invoke(call, "ec2", "DescribeSubnets", SubnetIds=subnets)["Subnets"] if subnets else []
    except MotoRefusedError as refused:
        message = f"The subnet ID '{', '.join(subnets)}' does not exist"
        raise AwsError("InvalidParameterException", message) from refused
    if len({subnet["AvailabilityZone"] for subnet in found}) < 2:
        message = "Subnets specified must be in at least two different AZs"
        raise AwsError("InvalidParameterException", message)
    vpcs = {str(subnet["VpcId"]) for subnet in found}
    if len(vpcs) > 1:
        raise AwsError("InvalidParameterException", "Subnets specified must belong to the same VPC")
    return vpcs.pop()


def _network(given: dict[str, Any], vpc: str) -> dict[str, Any]:
    public = given.get("endpointPublicAccess", True)
    return {
        "subnetIds": list(given.get("subnetIds") or []),
        "securityGroupIds": list(given.get("securityGroupIds") or []),
        "vpcId": vpc,
        "endpointPublicAccess": public,
        "endpointPrivateAccess": given.get("endpointPrivateAccess", False),
        "publicAccessCidrs": list(given.get("publicAccessCidrs") or (["0.0.0.0/0"] if public else [])),
    }


def _service_network(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "serviceIpv4Cidr": given.get("serviceIpv4Cidr") or "172.20.0.0/16",
        "ipFamily": given.get("ipFamily") or "ipv4",
        "elasticLoadBalancing": given.get("elasticLoadBalancing") or {"enabled": False},
    }


def _issuer(call: Call) -> str:
    return f"https://oidc.eks.{call.region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"


def _create_security_group(call: Call, world: World, cluster: str, vpc: str) -> str:
    """The group that EKS puts on its own network interfaces and on managed nodes: members reach each other."""
    tags = {f"kubernetes.io/cluster/{cluster}": "owned", "aws:eks:cluster-name": cluster}
    group = world.invoke(
        call,
        "ec2",
        "CreateSecurityGroup",
        GroupName=f"eks-cluster-sg-{cluster}-{secrets.randbelow(10**10)}",
        Description="EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
        "as well as any managed workloads.",
        VpcId=vpc,
    )["GroupId"]
    world.invoke(
        call,
        "ec2",
        "AuthorizeSecurityGroupIngress",
        GroupId=group,
        IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}],
    )
    # EKS may set tags that begin with `aws:`; a caller of EC2 may not.
    world.backend(call, "ec2").get_security_group_from_id(group).add_tags(tags)
    return str(group)
