"""EKS managed node groups."""

from __future__ import annotations

import uuid
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.eks.records import (
    NODEGROUPS,
    arn,
    find_cluster,
    find_nodegroup,
    nodegroups_of,
    stand_in,
)
from ils_sandbox.aws.overlay.eks.versions import BY_NAME, node_release
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.aws.responses import AwsError

DEFAULTS: dict[str, Any] = {
    "amiType": "AL2023_x86_64_STANDARD",
    "capacityType": "ON_DEMAND",
    "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 2},
    "updateConfig": {"maxUnavailable": 1},
}

AS_GIVEN = ("nodeRepairConfig", "remoteAccess", "taints", "warmPoolConfig")


def create_nodegroup(call: Call, world: World) -> Result:
    params = call.params
    cluster = find_cluster(call, world, params["clusterName"])
    name = params["nodegroupName"]
    nodegroups = world.table(NODEGROUPS, call)
    existing = nodegroups.get(f"{cluster['name']}/{name}")
    if existing is not None:
        if params.get("clientRequestToken") and existing["clientRequestToken"] == params["clientRequestToken"]:
            return {"nodegroup": deepcopy(existing)}
        message = f"NodeGroup already exists with name {name} and cluster name {cluster['name']}"
        raise AwsError("ResourceInUseException", message)
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        raise AwsError("InvalidRequestException", f"Cluster '{cluster['name']}' is not in ACTIVE status")
    _check(call, world, params, cluster)
    record = _record(call, world, params, cluster)
    nodegroups[f"{cluster['name']}/{name}"] = record
    world.lifecycles.begin(record["nodegroupArn"], "CREATING", durations.EKS_NODEGROUP_CREATE)
    return {"nodegroup": deepcopy(record)}


def describe_nodegroup(call: Call, world: World) -> Result:
    find_cluster(call, world, call.params["clusterName"])
    return {
        "nodegroup": deepcopy(find_nodegroup(call, world, call.params["clusterName"], call.params["nodegroupName"]))
    }


def list_nodegroups(call: Call, world: World) -> Result:
    cluster = find_cluster(call, world, call.params["clusterName"])
    return {"nodegroups": sorted(record["nodegroupName"] for record in nodegroups_of(call, world, cluster["name"]))}


def delete_nodegroup(call: Call, world: World) -> Result:
    cluster = find_cluster(call, world, call.params["clusterName"])
    record = find_nodegroup(call, world, cluster["name"], call.params["nodegroupName"])
    if record["status"] != "DELETING":
        if world.kubernetes is not None:
            world.kubernetes.delete_nodegroup(stand_in(cluster), record["nodegroupName"])
        record["status"] = "DELETING"
        world.lifecycles.begin(record["nodegroupArn"], "DELETING", durations.EKS_NODEGROUP_DELETE)
    return {"nodegroup": deepcopy(record)}


def _check(call: Call, world: World, params: dict[str, Any], cluster: dict[str, Any]) -> None:
    try:
        world.invoke(call, "iam", "GetRole", RoleName=params["nodeRole"].rpartition("/")[2])
        world.invoke(call, "ec2", "DescribeSubnets", SubnetIds=params["subnets"])
    except MotoRefusedError as refused:
        message = f"The node role {params['nodeRole']} or one of the subnets {params['subnets']} does not exist"
        raise AwsError("InvalidParameterException", message) from refused
    check_scaling({**DEFAULTS["scalingConfig"], **(params.get("scalingConfig") or {})})
    version = params.get("version") or cluster["version"]
    if version not in BY_NAME or float(version) > float(cluster["version"]):
        message = f"Node group version {version} must not be newer than the cluster's {cluster['version']}"
        raise AwsError("InvalidParameterException", message)


def check_scaling(scaling: dict[str, int]) -> None:
    """Raises InvalidParameterException unless minimum <= desired <= maximum."""
    if not scaling["minSize"] <= scaling["desiredSize"] <= scaling["maxSize"]:
        message = "desired capacity must be between minimum and maximum size of the node group"
        raise AwsError("InvalidParameterException", f"{message}: {scaling}")


def _record(call: Call, world: World, params: dict[str, Any], cluster: dict[str, Any]) -> dict[str, Any]:
    name, now = params["nodegroupName"], datetime.now(UTC)
    unique = uuid.uuid4()
    version = params.get("version") or cluster["version"]
    template = launch_template(call, world, params.get("launchTemplate"))
    return {
        "nodegroupName": name,
        "nodegroupArn": arn(call, f"nodegroup/{cluster['name']}/{name}/{unique}"),
        "clusterName": cluster["name"],
        "version": version,
        "releaseVersion": params.get("releaseVersion") or node_release(BY_NAME[version]),
        "createdAt": now,
        "modifiedAt": now,
        "status": "CREATING",
        "capacityType": params.get("capacityType") or DEFAULTS["capacityType"],
        "scalingConfig": {**DEFAULTS["scalingConfig"], **(params.get("scalingConfig") or {})},
        # A launch template that names an instance type or a disk leaves no room for them here.
        "instanceTypes": params.get("instanceTypes") or ([] if _names_instance_type(template) else ["t3.medium"]),
        "diskSize": None if template else params.get("diskSize") or 20,
        "subnets": list(params["subnets"]),
        "amiType": params.get("amiType") or DEFAULTS["amiType"],
        "nodeRole": params["nodeRole"],
        "labels": dict(params.get("labels") or {}),
        "tags": dict(params.get("tags") or {}),
        "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{unique}"}]},
        "health": {"issues": []},
        "updateConfig": params.get("updateConfig") or DEFAULTS["updateConfig"],
        "launchTemplate": None if template is None else template["reference"],
        "clientRequestToken": params.get("clientRequestToken"),
        **{key: deepcopy(params[key]) for key in AS_GIVEN if params.get(key) is not None},
    }


def launch_template(call: Call, world: World, given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The template's reference with name, id and version number, and its data. Raises InvalidRequestException."""
    if not given:
        return None
    name = {"LaunchTemplateId": given["id"]} if given.get("id") else {"LaunchTemplateName": given.get("name")}
    try:
        found = world.invoke(
            call, "ec2", "DescribeLaunchTemplateVersions", **name, Versions=[given.get("version") or "$Default"]
        )["LaunchTemplateVersions"]
    except MotoRefusedError as refused:
        raise AwsError("InvalidRequestException", f"Launch template {given} does not exist") from refused
    if not found:
        raise AwsError("InvalidRequestException", f"Launch template {given} has no such version")
    version = found[0]
    return {
        "reference": {
            "id": version["LaunchTemplateId"],
            "name": version["LaunchTemplateName"],
            "version": given.get("version") or str(version["VersionNumber"]),
        },
        "data": version["LaunchTemplateData"],
    }


def _names_instance_type(template: dict[str, Any] | None) -> bool:
    return template is not None and "InstanceType" in template["data"]
