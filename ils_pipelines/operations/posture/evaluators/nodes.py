"""The managed node groups and the launch templates that their nodes are started from."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.models import Observation

_DEFAULT_HOP_LIMIT = 2
"""What EKS gives nodes without a launch template, so that pods reach the metadata service."""


def metadata_tokens(live: Live) -> Iterator[Observation]:
    for name, _, template in _groups(live):
        options = template.get("MetadataOptions", {})
        tokens = options.get("HttpTokens", "optional")
        off = options.get("HttpEndpoint") == "disabled"
        yield Observation(name, "HttpTokens required", f"HttpTokens {tokens}", off or tokens == "required")


def metadata_hop_limit(live: Live) -> Iterator[Observation]:
    for name, _, template in _groups(live):
        limit = template.get("MetadataOptions", {}).get("HttpPutResponseHopLimit", _DEFAULT_HOP_LIMIT)
        yield Observation(name, "HttpPutResponseHopLimit 1", f"HttpPutResponseHopLimit {limit}", limit == 1)


def no_ssh(live: Live) -> Iterator[Observation]:
    for name, group, template in _groups(live):
        key = template.get("KeyName") or group.get("remoteAccess", {}).get("ec2SshKey")
        yield Observation(name, "no SSH key", f"SSH key {key}" if key else "none", holds=not key)


def no_public_ip(live: Live) -> Iterator[Observation]:
    for name, group, template in _groups(live):
        asked = any(each.get("AssociatePublicIpAddress") for each in template.get("NetworkInterfaces", ()))
        giving = _subnets_with_public_addresses(live) & set(group.get("subnets", ()))
        found = "the launch template asks for one" if asked else ", ".join(sorted(giving)) or "none"
        yield Observation(name, "no public address for nodes", found, holds=not asked and not giving)


def disk_encryption(live: Live) -> Iterator[Observation]:
    for name, _, template in _groups(live):
        disks = [each for each in template.get("BlockDeviceMappings", ()) if "Ebs" in each]
        open_ones = [each["DeviceName"] for each in disks if not each["Ebs"].get("Encrypted")]
        found = f"{', '.join(open_ones)} not encrypted" if open_ones else "encrypted" if disks else "no disk is named"
        yield Observation(name, "every disk encrypted", found, holds=bool(disks) and not open_ones)


def _subnets_with_public_addresses(live: Live) -> set[str]:
    cluster = live.cluster()
    network = (cluster or {}).get("resourcesVpcConfig", {}).get("vpcId", "")
    subnets = live.list("ec2", "describe_subnets", "Subnets", Filters=[{"Name": "vpc-id", "Values": [network]}])
    return {subnet["SubnetId"] for subnet in subnets if subnet.get("MapPublicIpOnLaunch")}


def _groups(live: Live) -> Iterator[tuple[str, Record, Record]]:
    """Name, description and launch template data of each node group; no data where it has no template of ours."""
    cluster = live.cluster()
    if cluster is None:
        return
    for name in live.list("eks", "list_nodegroups", "nodegroups", clusterName=cluster["name"]):
        group = live.get("eks", "describe_nodegroup", clusterName=cluster["name"], nodegroupName=name)["nodegroup"]
        yield f"node group {name}", group, _template(live, group.get("launchTemplate"))


def _template(live: Live, reference: Record | None) -> Record:
    if not reference:
        return {}
    versions = live.list(
        "ec2",
        "describe_launch_template_versions",
        "LaunchTemplateVersions",
        LaunchTemplateId=reference["id"],
        Versions=[str(reference["version"])],
    )
    data: Record = versions[0]["LaunchTemplateData"]
    return data
