"""What a rebuilt cluster stands on: subnets, a firewall of its own and a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.errors import restoring
from ils_pipelines.operations.restore.ground import make_network, make_security_group, output, tagged
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

API_PORT = 443
_EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class ClusterGround:
    region: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    """In two zones at least, with a way to the registries of images."""
    security_group_id: str
    """Of the control plane's addresses, beside the one that EKS makes. Lets in who verifies."""
    key_arn: str
    """Of the Secrets in the cluster."""


def lay_cluster_ground(target: Target, place: Place) -> ClusterGround:
    """Find or make it: at home the private subnets, which reach the registries already; elsewhere a network of its own.

    Raises `RestoreFailed`.
    """
    if place.region == target.environment.aws.region:
        vpc_id = str(output(target, Layer.VPC, "vpc_id"))
        subnets = [str(each) for each in output(target, Layer.VPC, "private_subnet_ids")]
        key = str(output(target, Layer.ENCRYPTION, "cluster_key_arn"))
    else:
        vpc_id, subnets = make_network(target, place)
        _make_way_out(target, place, vpc_id, subnets)
        key = str(output(target, Layer.BACKUP_VAULT, "dr_backup_key_arn"))
    group = make_security_group(target, place, vpc_id, ports=(API_PORT,))
    return ClusterGround(place.region, vpc_id, tuple(subnets), group, key)


def _make_way_out(target: Target, place: Place, vpc_id: str, subnets: list[str]) -> None:
    """A gateway and a route to it: nodes fetch images. Nothing gets in: their security group lets in only themselves."""
    ec2 = target.client("ec2", region=place.region)
    with restoring(f"network {place.name}", place.region):
        # Without both, the private endpoint of the API has no name.
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
        gateway = _gateway(ec2, place, vpc_id)
        table = _route_table(ec2, place, vpc_id)
        if not any(route.get("GatewayId") == gateway for route in table["Routes"]):
            ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=_EVERYWHERE, GatewayId=gateway)
        joined = {each.get("SubnetId") for each in table["Associations"]}
        for subnet in subnets:
            ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
            if subnet not in joined:
                ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=subnet)


def _gateway(ec2: Any, place: Place, vpc_id: str) -> str:
    named = [{"Name": "tag:Name", "Values": [place.name]}]
    found = ec2.describe_internet_gateways(Filters=named)["InternetGateways"]
    gateway = (
        found[0]
        if found
        else ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", place, place.name))[
            "InternetGateway"
        ]
    )
    if not gateway.get("Attachments"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc_id)
    return str(gateway["InternetGatewayId"])


def _route_table(ec2: Any, place: Place, vpc_id: str) -> dict[str, Any]:
    named = [{"Name": "tag:Name", "Values": [place.name]}]
    found = ec2.describe_route_tables(Filters=named)["RouteTables"]
    table: dict[str, Any] = (
        found[0]
        if found
        else ec2.create_route_table(VpcId=vpc_id, TagSpecifications=tagged("route-table", place, place.name))[
            "RouteTable"
        ]
    )
    return {"Routes": [], "Associations": [], **table}
