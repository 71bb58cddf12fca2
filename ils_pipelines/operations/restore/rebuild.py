"""An EKS cluster made anew: control plane, launch templates and node groups in the shape that the environment's file gives.

With no add-ons beside those that EKS starts by itself (network, proxy, DNS): they are all that the restored release needs. No
logs of the control plane: EKS would make their group, which ends with nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.cluster_ground import ClusterGround
from ils_pipelines.operations.restore.errors import restoring
from ils_pipelines.operations.restore.ground import output, require_own, tagged
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.settings.cluster import Capacity, NodeGroup, UpgradePolicy
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.naming import Naming

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_CAPACITY_TYPES = {Capacity.ON_DEMAND: "ON_DEMAND", Capacity.SPOT: "SPOT"}
_TAGGED_WITH_NODES = ("instance", "network-interface", "volume")


def control_plane_role(target: Target) -> str:
    """ARN of the role of the environment's own control plane: by its name, as the cluster itself may be what was lost."""
    beside = str(output(target, Layer.CLUSTER, "node_role_arn"))
    return f"{beside.rpartition('/')[0]}/{Naming.of(target.environment, Layer.CLUSTER).name('control-plane')}"


def make_control_plane(target: Target, place: Place, ground: ClusterGround) -> None:
    """Make it, or take over what an interrupted run began, and wait until its API answers. Raises `RestoreFailed`."""
    eks, settings = target.client("eks", region=place.region), target.environment.cluster
    public = [str(network) for network in settings.public_access_cidrs]
    with restoring(f"cluster {place.name}", f"the key {ground.key_arn}"):
        if not _is_there(eks, place):
            eks.create_cluster(
                name=place.name,
                version=settings.version,
                roleArn=control_plane_role(target),
                resourcesVpcConfig={
                    "subnetIds": list(ground.subnet_ids),
                    "securityGroupIds": [ground.security_group_id],
                    "endpointPrivateAccess": True,
                    "endpointPublicAccess": bool(public),
                    **({"publicAccessCidrs": public} if public else {}),
                },
                accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
                upgradePolicy={
                    "supportType": "EXTENDED" if settings.upgrade_policy is UpgradePolicy.EXTENDED else "STANDARD"
                },
                encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": ground.key_arn}}],
                # What is made for a drill must be possible to take away.
                deletionProtection=False,
                tags=place.tags_of(place.name),
            )
        wait_for(eks, "cluster_active", name=place.name)


def add_nodes(target: Target, place: Place, ground: ClusterGround) -> None:
    """Every node group of the file, side by side; waits for all. Raises `RestoreFailed`."""
    eks, settings = target.client("eks", region=place.region), target.environment.cluster
    role = str(output(target, Layer.CLUSTER, "node_role_arn"))
    with restoring(f"nodes of cluster {place.name}", f"cluster {place.name}"):
        for group in settings.node_groups:
            name = place.named(group.name)
            template = _launch_template(target, place, name, group)
            with contextlib.suppress(eks.exceptions.ResourceInUseException):
                eks.create_nodegroup(
                    clusterName=place.name,
                    nodegroupName=group.name,
                    nodeRole=role,
                    subnets=list(ground.subnet_ids),
                    version=settings.node_version or settings.version,
                    amiType=group.ami_type.value,
                    capacityType=_CAPACITY_TYPES[group.capacity],
                    instanceTypes=list(group.instance_types),
                    scalingConfig={
                        "minSize": group.min_size,
                        "desiredSize": group.desired_size,
                        "maxSize": group.max_size,
                    },
                    launchTemplate={"id": template, "version": "1"},
                    labels={"ils/node-group": group.name, "ils/capacity": group.capacity.value, **group.labels},
                    tags=place.tags_of(name),
                )
        for group in settings.node_groups:
            wait_for(eks, "nodegroup_active", clusterName=place.name, nodegroupName=group.name)


def _launch_template(target: Target, place: Place, name: str, group: NodeGroup) -> str:
    """Its id. It names no security group, so that EKS puts nodes into the new cluster's own, which nothing live lets in."""
    ec2 = target.client("ec2", region=place.region)
    found = ec2.describe_launch_templates(Filters=[{"Name": "launch-template-name", "Values": [name]}])
    if found["LaunchTemplates"]:
        return str(found["LaunchTemplates"][0]["LaunchTemplateId"])
    made = ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={
            "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {
                        "VolumeType": "gp3",
                        "VolumeSize": group.disk_gib,
                        "Encrypted": True,
                        "DeleteOnTermination": True,
                    },
                }
            ],
            "TagSpecifications": [each for kind in _TAGGED_WITH_NODES for each in tagged(kind, place, name)],
        },
        TagSpecifications=tagged("launch-template", place, name),
    )
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def _is_there(eks: Any, place: Place) -> bool:
    try:
        found = eks.describe_cluster(name=place.name)["cluster"]
    except eks.exceptions.ResourceNotFoundException:
        return False
    require_own(place, f"cluster {place.name}", found.get("tags") or {})
    return True


def rebuilt_flaws(target: Target, place: Place, ground: ClusterGround) -> Iterator[str]:
    """Where a rebuilt cluster is not as it should be, by what EKS says of it."""
    eks, settings = target.client("eks", region=place.region), target.environment.cluster
    found = eks.describe_cluster(name=place.name)["cluster"]
    network = found["resourcesVpcConfig"]
    expected: list[tuple[str, object, object]] = [
        ("version", settings.version, found["version"]),
        ("network", ground.vpc_id, network["vpcId"]),
        ("security groups", [ground.security_group_id], network["securityGroupIds"]),
        ("private endpoint", True, network["endpointPrivateAccess"]),
        ("public endpoint", bool(settings.public_access_cidrs), network["endpointPublicAccess"]),
        ("key of secrets", [ground.key_arn], [each["provider"]["keyArn"] for each in found["encryptionConfig"]]),
    ]
    for group in settings.node_groups:
        nodes = eks.describe_nodegroup(clusterName=place.name, nodegroupName=group.name)["nodegroup"]
        expected.append((f"nodes of {group.name}", group.desired_size, nodes["scalingConfig"]["desiredSize"]))
        expected.append((f"instances of {group.name}", list(group.instance_types), nodes["instanceTypes"]))
    for what, wanted, there in expected:
        if wanted != there:
            yield f"{what}: expected {wanted}, found {there}"
