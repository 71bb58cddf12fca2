"""Breaking the control plane and adding nodes that should not be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.site import Case, Site, case

CLUSTER = "ils-dev"
_OLD_VERSION = "1.33"  # in extended support
_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


def settled(site: Site, name: str = CLUSTER) -> None:
    """Wait until EKS has done what it was asked for."""
    eks = site.client("eks")
    deadline = time.monotonic() + 30
    while eks.describe_cluster(name=name)["cluster"]["status"] != "ACTIVE":
        assert time.monotonic() < deadline, f"{name} does not settle"


def _config(broken: dict[str, Any], right: dict[str, Any]) -> Callable[[Site], Iterator[str]]:
    def change(site: Site) -> Iterator[str]:
        eks = site.client("eks")
        eks.update_cluster_config(name=CLUSTER, **broken)
        settled(site)
        try:
            yield f"EKS cluster {CLUSTER}"
        finally:
            eks.update_cluster_config(name=CLUSTER, **right)
            settled(site)

    return change


def _network(*, public: bool, private: bool, cidrs: list[str]) -> dict[str, Any]:
    network: dict[str, Any] = {"endpointPublicAccess": public, "endpointPrivateAccess": private}
    return {"resourcesVpcConfig": {**network, "publicAccessCidrs": cidrs} if cidrs else network}


def _logging(types: list[str], *, enabled: bool) -> dict[str, Any]:
    return {"logging": {"clusterLogging": [{"types": types, "enabled": enabled}]}}


_CLOSED = _network(public=False, private=True, cidrs=[])
_OPEN = _network(public=True, private=True, cidrs=["0.0.0.0/0"])
_ONLY_PUBLIC = _network(public=True, private=False, cidrs=["8.8.8.0/24"])


def bare_cluster(site: Site) -> Iterator[str]:
    """A cluster as nobody should make one, as the cluster of an environment `bare`."""
    eks = site.client("eks")
    eks.create_cluster(
        name="ils-bare",
        version=_OLD_VERSION,
        roleArn="arn:aws:iam::123456789012:role/ils-dev-control-plane",
        resourcesVpcConfig={"subnetIds": site.subnet_ids},
    )
    settled(site, "ils-bare")
    try:
        yield "EKS cluster ils-bare"
    finally:
        eks.delete_cluster(name="ils-bare")
        deadline = time.monotonic() + 30
        while "ils-bare" in eks.list_clusters()["clusters"]:
            assert time.monotonic() < deadline, "ils-bare does not go away"


def _nodes(**template: Any) -> Callable[[Site], Iterator[str]]:
    """A node group whose launch template says this and is otherwise as it should be."""
    data = {
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}],
        **template,
    }

    def added(site: Site) -> Iterator[str]:
        ec2, eks = site.client("ec2"), site.client("eks")
        made = ec2.create_launch_template(LaunchTemplateName="ils-dev-rogue", LaunchTemplateData=data)
        template_id = made["LaunchTemplate"]["LaunchTemplateId"]
        eks.create_nodegroup(
            clusterName=CLUSTER,
            nodegroupName="rogue",
            subnets=site.subnet_ids[:1],
            nodeRole="arn:aws:iam::123456789012:role/ils-dev-nodes",
            scalingConfig={"minSize": 0, "maxSize": 1, "desiredSize": 0},
            launchTemplate={"id": template_id, "version": "1"},
        )
        try:
            yield "node group rogue"
        finally:
            eks.delete_nodegroup(clusterName=CLUSTER, nodegroupName="rogue")
            ec2.delete_launch_template(LaunchTemplateId=template_id)

    return added


CASES: tuple[Case, ...] = (
    case(ControlId.CLUSTER_PUBLIC_ENDPOINT, "open to all", _config(_OPEN, _CLOSED)),
    case(ControlId.CLUSTER_PRIVATE_ENDPOINT, "off", _config(_ONLY_PUBLIC, _CLOSED)),
    case(
        ControlId.CLUSTER_LOGS,
        "one off",
        _config(_logging(["audit"], enabled=False), _logging(_TYPES, enabled=True)),
    ),
    case(
        ControlId.NODE_METADATA_TOKENS,
        "optional",
        _nodes(MetadataOptions={"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}),
    ),
    case(
        ControlId.NODE_METADATA_HOP_LIMIT,
        "two hops",
        _nodes(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2}),
    ),
    case(ControlId.NODE_NO_SSH, "key", _nodes(KeyName="somebodys")),
    case(
        ControlId.NODE_NO_PUBLIC_IP,
        "asked for",
        _nodes(NetworkInterfaces=[{"DeviceIndex": 0, "AssociatePublicIpAddress": True}]),
    ),
    case(
        ControlId.NODE_DISK_ENCRYPTION,
        "off",
        _nodes(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": False}}]),
    ),
)

BARE: tuple[ControlId, ...] = (
    ControlId.CLUSTER_SECRETS_ENCRYPTION,
    ControlId.CLUSTER_VERSION,
    ControlId.CLUSTER_DELETION_PROTECTION,
)
"""What cannot be taken away from a cluster again, seen on one that was made without it."""
