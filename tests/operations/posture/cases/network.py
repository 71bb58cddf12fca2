"""Breaking the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.site import TAGS, Case, Site, case


def _another_vpc(site: Site) -> Iterator[str]:
    ec2 = site.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": TAGS}])["Vpc"]
    try:
        yield vpc["VpcId"]
    finally:
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def _deleted_flow_log(site: Site) -> Iterator[str]:
    ec2 = site.client("ec2")
    log = next(each for each in ec2.describe_flow_logs()["FlowLogs"] if each["ResourceId"] == site.vpc_id)
    ec2.delete_flow_logs(FlowLogIds=[log["FlowLogId"]])
    try:
        yield site.vpc_id
    finally:
        ec2.create_flow_logs(
            ResourceIds=[site.vpc_id],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogDestination=log["LogDestination"],
            DeliverLogsPermissionArn=log["DeliverLogsPermissionArn"],
        )


def _public_subnet(site: Site) -> Iterator[str]:
    subnet = site.subnet_ids[0]
    ec2 = site.client("ec2")
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    try:
        yield subnet
    finally:
        ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": False})


def _deleted_endpoint(site: Site) -> Iterator[str]:
    ec2 = site.client("ec2")
    own = [each for each in ec2.describe_vpc_endpoints()["VpcEndpoints"] if each["VpcId"] == site.vpc_id]
    s3 = next(each for each in own if each["ServiceName"].endswith(".s3"))
    ec2.delete_vpc_endpoints(VpcEndpointIds=[s3["VpcEndpointId"]])
    try:
        yield site.vpc_id
    finally:
        ec2.create_vpc_endpoint(
            VpcId=site.vpc_id,
            VpcEndpointType="Gateway",
            ServiceName=s3["ServiceName"],
            RouteTableIds=s3["RouteTableIds"],
        )


def _rule(group: str, *, egress: bool = False, **permission: Any) -> Callable[[Site], Iterator[str]]:
    """Opens something in a group of dev."""
    source = {"CidrIp": "0.0.0.0/0", "Description": "opened by hand"}
    wanted = {"IpProtocol": "tcp", "IpRanges": [source], **permission}

    def broken(site: Site) -> Iterator[str]:
        ec2, group_id = site.client("ec2"), site.security_group(group)
        way = "egress" if egress else "ingress"
        getattr(ec2, f"authorize_security_group_{way}")(GroupId=group_id, IpPermissions=[wanted])
        try:
            yield group_id
        finally:
            getattr(ec2, f"revoke_security_group_{way}")(GroupId=group_id, IpPermissions=[wanted])

    return broken


_ANYWHERE_6 = {"IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "opened by hand"}]}
_FROM_VPC = {"IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "opened by hand"}]}
_NODES, _DATABASE, _CACHE, _WEB = "ils-dev-nodes", "ils-dev-database", "ils-dev-cache", "ils-dev-load-balancer"

CASES: tuple[Case, ...] = (
    case(ControlId.VPC_FLOW_LOGS, "flow log deleted", _deleted_flow_log),
    case(ControlId.VPC_FLOW_LOGS, "VPC added", _another_vpc),
    case(ControlId.DEFAULT_SECURITY_GROUP_EMPTY, "ingress", _rule("default", FromPort=443, ToPort=443)),
    case(ControlId.DEFAULT_SECURITY_GROUP_EMPTY, "egress", _rule("default", egress=True, FromPort=443, ToPort=443)),
    case(ControlId.SUBNET_NO_PUBLIC_IP, "turned on", _public_subnet),
    case(ControlId.NO_PUBLIC_SSH, "port 22", _rule(_NODES, FromPort=22, ToPort=22)),
    case(ControlId.NO_PUBLIC_SSH, "range", _rule(_NODES, FromPort=20, ToPort=30)),
    case(ControlId.NO_PUBLIC_SSH, "IPv6", _rule(_NODES, FromPort=22, ToPort=22, **_ANYWHERE_6)),
    case(ControlId.NO_PUBLIC_SSH, "all protocols", _rule(_NODES, IpProtocol="-1")),
    case(ControlId.NO_PUBLIC_RDP, "port 3389", _rule(_NODES, FromPort=3389, ToPort=3389)),
    case(ControlId.NO_ALL_PORT_INGRESS, "all protocols", _rule(_NODES, IpProtocol="-1", **_FROM_VPC)),
    case(ControlId.NO_ALL_PORT_INGRESS, "all ports", _rule(_NODES, FromPort=0, ToPort=65535, **_FROM_VPC)),
    case(ControlId.PUBLIC_INGRESS_ONLY_WEB, "other port", _rule(_WEB, FromPort=8080, ToPort=8080)),
    case(ControlId.PUBLIC_INGRESS_ONLY_WEB, "other group", _rule(_NODES, FromPort=443, ToPort=443)),
    case(ControlId.NO_PUBLIC_DATA_PORTS, "database", _rule(_DATABASE, FromPort=5432, ToPort=5432)),
    case(ControlId.NO_PUBLIC_DATA_PORTS, "cache", _rule(_CACHE, FromPort=6000, ToPort=7000)),
    case(ControlId.NO_ALL_PORT_EGRESS, "all protocols", _rule(_NODES, egress=True, IpProtocol="-1")),
    case(
        ControlId.RULE_DESCRIPTIONS,
        "none",
        _rule(_CACHE, FromPort=6379, ToPort=6379, IpRanges=[{"CidrIp": "10.0.11.0/24"}]),
    ),
    case(ControlId.GATEWAY_ENDPOINTS, "endpoint deleted", _deleted_endpoint),
    case(ControlId.EC2_ENDPOINT, "VPC added", _another_vpc),
)
