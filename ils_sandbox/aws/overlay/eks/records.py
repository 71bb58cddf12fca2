"""What clusters and node groups there are, and which of their phases is over."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

CLUSTERS = "eks.clusters"
NODEGROUPS = "eks.nodegroups"
UPDATES = "eks.updates"
ADDONS = "eks.addons"
ACCESS_ENTRIES = "eks.access-entries"
ASSOCIATIONS = "eks.pod-identity-associations"
PARTS = (UPDATES, ADDONS, ACCESS_ENTRIES, ASSOCIATIONS)
"""What goes with a cluster: in these tables keys begin with its name and a slash."""

_STAND_IN = "standIn"
_LONGEST_NAME = 100

Record = dict[str, Any]


def arn(call: Call, resource: str) -> str:
    return f"arn:aws:eks:{call.region}:{call.account}:{resource}"


def name_stand_in(call: Call, world: World, record: Record) -> None:
    """Let a new cluster have a Kubernetes of its own: clusters of other regions may have the same name."""
    taken = {
        stand_in(other)
        for (table, _, region), clusters in world.store.tables.items()
        for other in clusters.values()
        if table == CLUSTERS and region != call.region
    }
    if record["name"] in taken:
        record[_STAND_IN] = f"{record['name'][: _LONGEST_NAME - len(call.region) - 1]}_{call.region}"


def stand_in(record: Record) -> str:
    """What the cluster is called where its Kubernetes is."""
    return str(record.get(_STAND_IN) or record["name"])


def find_cluster(call: Call, world: World, name: str) -> Record:
    """The cluster as it is kept, its status brought up to date. Raises ResourceNotFoundException."""
    clusters = world.table(CLUSTERS, call)
    record: Record | None = clusters.get(name)
    if record is not None:
        _settle_cluster(call, world, record)
    if name not in clusters or record is None:
        raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.")
    return record


def find_nodegroup(call: Call, world: World, cluster: str, name: str) -> Record:
    """The node group as it is kept, its status brought up to date. Raises ResourceNotFoundException."""
    nodegroups = world.table(NODEGROUPS, call)
    record: Record | None = nodegroups.get(f"{cluster}/{name}")
    if record is not None:
        _settle_nodegroup(call, world, record)
    if f"{cluster}/{name}" not in nodegroups or record is None:
        raise AwsError("ResourceNotFoundException", f"No node group found for name: {name}.")
    return record


def cluster_names(call: Call, world: World) -> list[str]:
    clusters = world.table(CLUSTERS, call)
    for record in list(clusters.values()):
        _settle_cluster(call, world, record)
    return sorted(clusters)


def nodegroups_of(call: Call, world: World, cluster: str) -> list[Record]:
    nodegroups = world.table(NODEGROUPS, call)
    for record in list(nodegroups.values()):
        if record["clusterName"] == cluster:
            _settle_nodegroup(call, world, record)
    return [record for record in nodegroups.values() if record["clusterName"] == cluster]


def _settle_cluster(call: Call, world: World, record: Record) -> None:
    """Carry out what happens at the end of a phase."""
    if world.lifecycles.phase(record["arn"]) is not None:
        return
    status = record["status"]
    if status == "DELETING":
        world.table(CLUSTERS, call).pop(record["name"], None)
        for part in PARTS:
            table = world.table(part, call)
            for key in [key for key in table if key.startswith(f"{record['name']}/")]:
                del table[key]
        delete_security_group(call, world, record["resourcesVpcConfig"]["clusterSecurityGroupId"])
    elif status in ("CREATING", "UPDATING"):
        if world.kubernetes is not None:
            world.kubernetes.put_cluster(stand_in(record), record["version"])
        record["status"] = "ACTIVE"


def _settle_nodegroup(call: Call, world: World, record: Record) -> None:
    if world.lifecycles.phase(record["nodegroupArn"]) is not None:
        return
    status = record["status"]
    if status == "DELETING":
        world.table(NODEGROUPS, call).pop(f"{record['clusterName']}/{record['nodegroupName']}", None)
    elif status in ("CREATING", "UPDATING"):
        draining = 0
        if world.kubernetes is not None:
            draining = world.kubernetes.put_nodegroup(
                stand_in(world.table(CLUSTERS, call)[record["clusterName"]]),
                record["nodegroupName"],
                nodes=record["scalingConfig"]["desiredSize"],
                instance_type=(record.get("instanceTypes") or ["t3.medium"])[0],
                labels=record.get("labels") or {},
                release=record["releaseVersion"],
            )
        if not draining:
            record["status"] = "ACTIVE"


def delete_security_group(call: Call, world: World, group: str) -> None:
    """EKS takes the cluster's security group along, unless something still refers to it."""
    from ils_sandbox.aws.overlay.world import MotoRefusedError

    try:
        world.invoke(call, "ec2", "DeleteSecurityGroup", GroupId=group)
    except MotoRefusedError:
        return


def described_cluster(world: World, record: Record) -> Result:
    """The cluster as EKS describes it: where its API is, is known once it is active for the first time."""
    described = {key: value for key, value in deepcopy(record).items() if key != _STAND_IN}
    if record["status"] == "CREATING":
        return described
    issuer_id = record["identity"]["oidc"]["issuer"].rpartition("/")[2]
    region = record["arn"].split(":")[3]
    if world.kubernetes is None:
        described["endpoint"] = f"https://{issuer_id}.gr7.{region}.eks.amazonaws.com"
        described["certificateAuthority"] = {"data": ""}
    else:
        described["endpoint"] = world.kubernetes.cluster_endpoint(stand_in(record))
        described["certificateAuthority"] = {"data": world.kubernetes.certificate_authority}
    return described
