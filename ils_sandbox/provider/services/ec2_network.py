"""EC2 networks: VPC, subnets, gateways and addresses."""

from __future__ import annotations

from collections.abc import Callable

from ils_sandbox.provider.fields import flag, text
from ils_sandbox.provider.resource import (
    Call,
    Custom,
    Detail,
    FindMarked,
    ResourceType,
    Scope,
    Update,
    Wait,
)
from ils_sandbox.provider.tagging import ec2_tags
from ils_sandbox.provider.values import Plain

MARKED = [{"Name": "tag:ils:created-by", "Values": ["$marker"]}]
"""The filter that `FindMarked` uses on EC2's describe calls."""


def ec2_arn(kind: str) -> Callable[[Scope, str, Plain], Plain]:
    """The ARN of a thing whose description tells its owner."""
    return lambda scope, id_, properties: {
        "arn": f"arn:{scope.partition}:ec2:{scope.region}:{properties.get('ownerId') or scope.account()}:{kind}/{id_}"
    }


def as_attribute(value: object) -> dict[str, object]:
    """The form in which EC2's modify calls take flags."""
    return {"Value": value}


def _of_vpc(kind: str, operation: str, result: str, *further: tuple[str, str]) -> Detail:
    filters = [{"Name": "vpc-id", "Values": ["$id"]}, *({"Name": n, "Values": [v]} for n, v in further)]
    return Detail(kind, Call(operation, {"Filters": filters}, result), outputs_only=True)


def _vpc_attribute(name: str) -> Detail:
    member = name[0].upper() + name[1:]
    return Detail(member, Call("describe_vpc_attribute", {"VpcId": "$id", "Attribute": name}, f"{member}.Value"))


_VPC_ATTRIBUTES = ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")


def _set_vpc_attributes(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    """AWS makes a VPC with DNS support and without host names; one call changes one attribute."""
    for name, made in zip(_VPC_ATTRIBUTES, (True, False, False), strict=True):
        if inputs.get(name) not in {None, made}:
            scope.call("modify_vpc_attribute", VpcId=id_, **{name[0].upper() + name[1:]: as_attribute(inputs[name])})


VPC = ResourceType(
    name="aws:ec2/vpc:Vpc",
    service="ec2",
    inputs=(
        text("cidrBlock", replace=True, computed=True),
        text("instanceTenancy", replace=True, default="default", choices=("default", "dedicated")),
        flag("enableDnsSupport", default=True, sent=False),
        flag("enableDnsHostnames", computed=True, sent=False),
        flag("enableNetworkAddressUsageMetrics", computed=True, sent=False),
    ),
    outputs=(
        text("arn", returned=False),
        text("ownerId"),
        text("dhcpOptionsId"),
        text("defaultSecurityGroupId"),
        text("defaultNetworkAclId"),
        text("defaultRouteTableId", source="MainRouteTableId"),
        text("mainRouteTableId"),
    ),
    tagging=ec2_tags("vpc"),
    create=Call("create_vpc", result="Vpc"),
    id="VpcId",
    after_create=_set_vpc_attributes,
    ready=Wait("State", frozenset({"available"})),
    read=Call("describe_vpcs", {"VpcIds": ["$id"]}, "Vpcs[0]"),
    missing=frozenset({"InvalidVpcID.NotFound"}),
    details=(
        *(_vpc_attribute(name) for name in _VPC_ATTRIBUTES),
        _of_vpc(
            "DefaultSecurityGroupId",
            "describe_security_groups",
            "SecurityGroups[0].GroupId",
            ("group-name", "default"),
        ),
        _of_vpc("DefaultNetworkAclId", "describe_network_acls", "NetworkAcls[0].NetworkAclId", ("default", "true")),
        _of_vpc(
            "MainRouteTableId",
            "describe_route_tables",
            "RouteTables[0].RouteTableId",
            ("association.main", "true"),
        ),
    ),
    derived=ec2_arn("vpc"),
    updates=(
        Update(
            frozenset(_VPC_ATTRIBUTES),
            Call("modify_vpc_attribute", {"VpcId": "$id"}),
            one_by_one=True,
            encode=dict.fromkeys(_VPC_ATTRIBUTES, as_attribute),
        ),
    ),
    delete=Call("delete_vpc", {"VpcId": "$id"}),
    find=FindMarked(Call("describe_vpcs", {"Filters": MARKED}, "Vpcs"), "VpcId"),
)

_SUBNET_FLAGS = {
    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
    "enableDns64": "EnableDns64",
    "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch",
    "enableResourceNameDnsAaaaRecordOnLaunch": "EnableResourceNameDnsAAAARecordOnLaunch",
}


def _set_subnet_flags(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    for name, member in _SUBNET_FLAGS.items():
        if inputs.get(name):
            scope.call("modify_subnet_attribute", SubnetId=id_, **{member: as_attribute(value=True)})
    if kind := inputs.get("privateDnsHostnameTypeOnLaunch"):
        scope.call("modify_subnet_attribute", SubnetId=id_, PrivateDnsHostnameTypeOnLaunch=kind)


def _read_subnet(scope: Scope, id_: str, known: Plain) -> Plain | None:
    """From all subnets of its VPC, so that reading every one of them can do with one answer; an import knows no VPC."""
    vpc = known.get("vpcId")
    chosen = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]} if vpc else {"SubnetIds": [id_]}
    subnets = scope.call("describe_subnets", **chosen)["Subnets"]
    return next((dict(subnet) for subnet in subnets if subnet["SubnetId"] == id_), None)


SUBNET = ResourceType(
    name="aws:ec2/subnet:Subnet",
    service="ec2",
    inputs=(
        text("vpcId", required=True, replace=True),
        text("cidrBlock", replace=True, computed=True),
        text("availabilityZone", replace=True, computed=True),
        text("availabilityZoneId", replace=True, computed=True),
        flag("mapPublicIpOnLaunch", default=False, sent=False),
        flag("assignIpv6AddressOnCreation", default=False, sent=False),
        flag("enableDns64", default=False, sent=False),
        flag(
            "enableResourceNameDnsARecordOnLaunch",
            default=False,
            sent=False,
            source="PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord",
        ),
        flag(
            "enableResourceNameDnsAaaaRecordOnLaunch",
            default=False,
            sent=False,
            source="PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord",
        ),
        text(
            "privateDnsHostnameTypeOnLaunch",
            computed=True,
            sent=False,
            source="PrivateDnsNameOptionsOnLaunch.HostnameType",
            choices=("ip-name", "resource-name"),
        ),
    ),
    outputs=(text("arn", source="SubnetArn"), text("ownerId")),
    tagging=ec2_tags("subnet"),
    create=Call("create_subnet", result="Subnet"),
    id="SubnetId",
    after_create=_set_subnet_flags,
    ready=Wait("State", frozenset({"available"})),
    read=_read_subnet,
    missing=frozenset({"InvalidSubnetID.NotFound"}),
    updates=(
        Update(
            frozenset(_SUBNET_FLAGS),
            Call("modify_subnet_attribute", {"SubnetId": "$id"}),
            one_by_one=True,
            members=_SUBNET_FLAGS,
            encode=dict.fromkeys(_SUBNET_FLAGS, as_attribute),
        ),
        Update(frozenset({"privateDnsHostnameTypeOnLaunch"}), Call("modify_subnet_attribute", {"SubnetId": "$id"})),
    ),
    delete=Call("delete_subnet", {"SubnetId": "$id"}),
    find=FindMarked(Call("describe_subnets", {"Filters": MARKED}, "Subnets"), "SubnetId"),
)


def _attach(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    if vpc := inputs.get("vpcId"):
        scope.call("attach_internet_gateway", InternetGatewayId=id_, VpcId=vpc)


def _detach(scope: Scope, id_: str, state: Plain) -> None:
    if vpc := state.get("vpcId"):
        scope.call_unless({"Gateway.NotAttached"}, "detach_internet_gateway", InternetGatewayId=id_, VpcId=vpc)


def _move(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    _detach(scope, id_, old)
    _attach(scope, id_, new, {})


INTERNET_GATEWAY = ResourceType(
    name="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    inputs=(text("vpcId", sent=False, source="Attachments[0].VpcId"),),
    outputs=(text("arn", returned=False), text("ownerId")),
    tagging=ec2_tags("internet-gateway"),
    create=Call("create_internet_gateway", result="InternetGateway"),
    id="InternetGatewayId",
    after_create=_attach,
    read=Call("describe_internet_gateways", {"InternetGatewayIds": ["$id"]}, "InternetGateways[0]"),
    missing=frozenset({"InvalidInternetGatewayID.NotFound"}),
    derived=ec2_arn("internet-gateway"),
    updates=(Custom(frozenset({"vpcId"}), _move),),
    before_delete=_detach,
    delete=Call("delete_internet_gateway", {"InternetGatewayId": "$id"}),
    find=FindMarked(Call("describe_internet_gateways", {"Filters": MARKED}, "InternetGateways"), "InternetGatewayId"),
)


def _eip_outputs(scope: Scope, id_: str, properties: Plain) -> Plain:
    outputs = ec2_arn("elastic-ip")(scope, id_, properties)
    if address := properties.get("publicIp"):
        zone = "compute-1" if scope.region == "us-east-1" else f"{scope.region}.compute"
        outputs["publicDns"] = f"ec2-{address.replace('.', '-')}.{zone}.amazonaws.com"
    return outputs


def _disassociate(scope: Scope, id_: str, _state: Plain) -> None:
    """An address in use cannot be released; that of a NAT gateway is freed by deleting the gateway."""
    described = scope.call_unless(EIP.missing, "describe_addresses", AllocationIds=[id_])
    for address in described["Addresses"] if described else ():
        if address.get("AssociationId"):
            scope.call_unless(
                {"InvalidAssociationID.NotFound"}, "disassociate_address", AssociationId=address["AssociationId"]
            )


EIP = ResourceType(
    name="aws:ec2/eip:Eip",
    service="ec2",
    inputs=(
        text("domain", replace=True, computed=True, choices=("vpc", "standard")),
        text("address", replace=True, sent=True, returned=False),
        text("networkBorderGroup", replace=True, computed=True),
        text("publicIpv4Pool", replace=True, computed=True),
    ),
    outputs=(
        text("arn", returned=False),
        text("allocationId"),
        text("associationId"),
        text("publicIp"),
        text("publicDns", returned=False),
        text("privateIp", source="PrivateIpAddress"),
        text("instance", source="InstanceId"),
        text("networkInterface", source="NetworkInterfaceId"),
    ),
    fixed={"Domain": "vpc"},
    tagging=ec2_tags("elastic-ip"),
    create=Call("allocate_address"),
    id="AllocationId",
    read=Call("describe_addresses", {"AllocationIds": ["$id"]}, "Addresses[0]"),
    missing=frozenset({"InvalidAllocationID.NotFound", "InvalidAddress.NotFound"}),
    derived=_eip_outputs,
    before_delete=_disassociate,
    delete=Call("release_address", {"AllocationId": "$id"}),
    find=FindMarked(Call("describe_addresses", {"Filters": MARKED}, "Addresses"), "AllocationId"),
)

NAT_GATEWAY = ResourceType(
    name="aws:ec2/natGateway:NatGateway",
    service="ec2",
    inputs=(
        text("subnetId", replace=True),
        text("allocationId", replace=True, source="NatGatewayAddresses[0].AllocationId"),
        text("connectivityType", replace=True, default="public", choices=("public", "private")),
        text(
            "privateIp",
            member="PrivateIpAddress",
            replace=True,
            computed=True,
            source="NatGatewayAddresses[0].PrivateIp",
        ),
        text("vpcId", replace=True, computed=True, sent=False),
    ),
    outputs=(
        text("associationId", source="NatGatewayAddresses[0].AssociationId"),
        text("networkInterfaceId", source="NatGatewayAddresses[0].NetworkInterfaceId"),
        text("publicIp", source="NatGatewayAddresses[0].PublicIp"),
    ),
    tagging=ec2_tags("natgateway"),
    create=Call("create_nat_gateway", result="NatGateway"),
    idempotency_member="ClientToken",
    id="NatGatewayId",
    ready=Wait("State", frozenset({"available"}), frozenset({"failed", "deleting", "deleted"})),
    read=Call("describe_nat_gateways", {"NatGatewayIds": ["$id"]}, "NatGateways[0]"),
    missing=frozenset({"NatGatewayNotFound"}),
    present=lambda described: described.get("State") != "deleted",
    delete=Call("delete_nat_gateway", {"NatGatewayId": "$id"}),
    gone=True,
    find=FindMarked(
        Call("describe_nat_gateways", {"Filters": MARKED}, "NatGateways"),
        "NatGatewayId",
        alive=lambda described: described.get("State") in {"pending", "available"},
    ),
    validate=lambda inputs: (
        (("allocationId", "a public NAT gateway needs an address"),)
        if inputs["connectivityType"] == "public" and not inputs.get("allocationId")
        else ()
    ),
)

TYPES = (VPC, SUBNET, INTERNET_GATEWAY, EIP, NAT_GATEWAY)
