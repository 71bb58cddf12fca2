"""What a rebuilt cluster is made of, as `kinds` has the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.kinds import Kind, Made, delete_by, named_in_ec2
from ils_pipelines.operations.restore.waiting import wait_for

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


def _names(eks: Any, prefix: str) -> Iterator[str]:
    for page in eks.get_paginator("list_clusters").paginate():
        yield from (str(name) for name in page["clusters"] if name.startswith(prefix))


def _clusters(target: Target, region: str, prefix: str) -> Iterator[Made]:
    eks = target.client("eks", region=region)
    for name in _names(eks, prefix):
        with contextlib.suppress(eks.exceptions.ResourceNotFoundException):  # went meanwhile
            found = eks.describe_cluster(name=name)["cluster"]
            yield Made("cluster", name, name, region, found["createdAt"], found.get("tags") or {})


def _node_groups(target: Target, region: str, prefix: str) -> Iterator[Made]:
    eks = target.client("eks", region=region)
    for cluster in _names(eks, prefix):
        with contextlib.suppress(eks.exceptions.ResourceNotFoundException):
            for page in eks.get_paginator("list_nodegroups").paginate(clusterName=cluster):
                for name in page["nodegroups"]:
                    found = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
                    tags = found.get("tags") or {}
                    yield Made("node group", cluster, f"{cluster}/{name}", region, found["createdAt"], tags)


def _delete_cluster(target: Target, made: Made) -> None:
    eks = target.client("eks", region=made.region)
    with contextlib.suppress(eks.exceptions.ResourceNotFoundException):
        if eks.describe_cluster(name=made.id)["cluster"]["status"] == "CREATING":
            _settled(eks, "cluster_active", name=made.id)
        eks.delete_cluster(name=made.id)


def _delete_node_group(target: Target, made: Made) -> None:
    eks = target.client("eks", region=made.region)
    which = _parts(made)
    with contextlib.suppress(eks.exceptions.ResourceNotFoundException):
        if eks.describe_nodegroup(**which)["nodegroup"]["status"] == "CREATING":
            _settled(eks, "nodegroup_active", **which)
        eks.delete_nodegroup(**which)


def _settled(eks: Any, waiter: str, **which: str) -> None:
    """EKS deletes nothing that it is making. What comes to nothing can be deleted as well as what comes to be."""
    from botocore.exceptions import WaiterError

    with contextlib.suppress(WaiterError):
        wait_for(eks, waiter, **which)


def _parts(made: Made) -> dict[str, str]:
    cluster, _, name = made.id.partition("/")
    return {"clusterName": cluster, "nodegroupName": name}


def _await_cluster(target: Target, made: Made) -> None:
    wait_for(target.client("eks", region=made.region), "cluster_deleted", name=made.id)


def _await_node_group(target: Target, made: Made) -> None:
    wait_for(target.client("eks", region=made.region), "nodegroup_deleted", **_parts(made))


def _launch_templates(target: Target, region: str, prefix: str) -> Iterator[Made]:
    yield from named_in_ec2(
        target, region, prefix, "launch template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"
    )


def _gateways(target: Target, region: str, prefix: str) -> Iterator[Made]:
    yield from named_in_ec2(
        target, region, prefix, "gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    )


def _delete_gateway(target: Target, made: Made) -> None:
    ec2 = target.client("ec2", region=made.region)
    with _gone_is_well():
        for found in ec2.describe_internet_gateways(InternetGatewayIds=[made.id])["InternetGateways"]:
            for attached in found["Attachments"]:
                ec2.detach_internet_gateway(InternetGatewayId=made.id, VpcId=attached["VpcId"])
        ec2.delete_internet_gateway(InternetGatewayId=made.id)


def _delete_route_table(target: Target, made: Made) -> None:
    ec2 = target.client("ec2", region=made.region)
    with _gone_is_well():
        for found in ec2.describe_route_tables(RouteTableIds=[made.id])["RouteTables"]:
            for joined in found["Associations"]:
                with _gone_is_well():  # it may go with its subnet
                    ec2.disassociate_route_table(AssociationId=joined["RouteTableAssociationId"])
        ec2.delete_route_table(RouteTableId=made.id)


@contextlib.contextmanager
def _gone_is_well() -> Iterator[None]:
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise


def _route_tables(target: Target, region: str, prefix: str) -> Iterator[Made]:
    yield from named_in_ec2(
        target, region, prefix, "route table", "describe_route_tables", "RouteTables", "RouteTableId"
    )


CLUSTER_KINDS: tuple[Kind, ...] = (
    Kind("node group", 0, _node_groups, _delete_node_group, _await_node_group),
    Kind("cluster", 1, _clusters, _delete_cluster, _await_cluster),
    Kind(
        "launch template",
        1,
        _launch_templates,
        delete_by("ec2", "delete_launch_template", "LaunchTemplateId", "NotFound"),
    ),
    # A gateway is held by the addresses of the nodes, and holds the network as the table of routes does.
    Kind("gateway", 4, _gateways, _delete_gateway),
    Kind("route table", 4, _route_tables, _delete_route_table),
)
