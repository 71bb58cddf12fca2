"""EC2 routing: route tables, their routes and associations, VPC endpoints."""

from __future__ import annotations

import zlib
from typing import Any

from ils_sandbox.provider.errors import AlreadyExists
from ils_sandbox.provider.fields import collection, flag, json_text, text
from ils_sandbox.provider.resource import (
    Call,
    Custom,
    Detail,
    FindListed,
    FindMarked,
    FindNamed,
    ResourceType,
    Scope,
    Update,
    Wait,
)
from ils_sandbox.provider.services.ec2_network import MARKED, ec2_arn
from ils_sandbox.provider.tagging import ec2_tags
from ils_sandbox.provider.values import Plain

_NO_TABLE = "InvalidRouteTableID.NotFound"

ROUTE_TABLE = ResourceType(
    name="aws:ec2/routeTable:RouteTable",
    service="ec2",
    inputs=(text("vpcId", required=True, replace=True),),
    outputs=(text("arn", returned=False), text("ownerId")),
    tagging=ec2_tags("route-table"),
    create=Call("create_route_table", result="RouteTable"),
    id="RouteTableId",
    read=Call("describe_route_tables", {"RouteTableIds": ["$id"]}, "RouteTables[0]"),
    missing=frozenset({_NO_TABLE}),
    derived=ec2_arn("route-table"),
    delete=Call("delete_route_table", {"RouteTableId": "$id"}),
    find=FindMarked(Call("describe_route_tables", {"Filters": MARKED}, "RouteTables"), "RouteTableId"),
)

_DESTINATIONS = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
_TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "transitGatewayId": "TransitGatewayId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
    "networkInterfaceId": "NetworkInterfaceId",
}


def _destination(properties: Plain) -> tuple[str, str]:
    """The AWS member that says where a route leads to, and its value."""
    return next((member, properties[name]) for name, member in _DESTINATIONS.items() if properties.get(name))


def _route_id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    """As the real provider builds it."""
    return f"r-{inputs['routeTableId']}{zlib.crc32(_destination(inputs)[1].encode())}"


def _read_route(scope: Scope, _id: str, known: Plain) -> Plain | None:
    table = scope.call_unless({_NO_TABLE}, "describe_route_tables", RouteTableIds=[known["routeTableId"]])
    member, value = _destination(known)
    for route in table["RouteTables"][0]["Routes"] if table and table["RouteTables"] else ():
        if route.get(member) == value:
            return {"RouteTableId": known["routeTableId"], **route}
    return None


def _create_route(scope: Scope, _inputs: Plain, request: Plain) -> Plain:
    scope.call("create_route", **request)
    return {**request, "Origin": "CreateRoute", "State": "active"}


def _redirect(scope: Scope, _id: str, _old: Plain, new: Plain) -> None:
    scope.call("replace_route", **scope.type.codec.request(scope.type.inputs, new))


def _delete_route(scope: Scope, _id: str, state: Plain) -> None:
    member, value = _destination(state)
    scope.call("delete_route", RouteTableId=state["routeTableId"], **{member: value})


def _check_route(inputs: Plain) -> list[tuple[str, str]]:
    problems = []
    for what, names in (("destination", _DESTINATIONS), ("target", _TARGETS)):
        given = [name for name in names if inputs.get(name) is not None]
        if len(given) != 1:
            problems.append((next(iter(names)), f"expected exactly one {what} of {', '.join(names)}, found {given}"))
    return problems


ROUTE = ResourceType(
    name="aws:ec2/route:Route",
    service="ec2",
    inputs=(
        text("routeTableId", required=True, replace=True),
        *(text(name, member=member, replace=True) for name, member in _DESTINATIONS.items()),
        *(text(name, member=member) for name, member in _TARGETS.items()),
    ),
    outputs=(text("origin"), text("state")),
    create=_create_route,
    id=_route_id,
    read=_read_route,
    missing=frozenset({"InvalidRoute.NotFound", _NO_TABLE}),
    updates=(Custom(frozenset(_TARGETS), _redirect),),
    delete=_delete_route,
    find=FindNamed(lambda scope, inputs: _route_id(scope, inputs, {})),
    validate=_check_route,
    delete_before_replace=True,
)

_NO_ASSOCIATION = "InvalidAssociationID.NotFound"


def _read_association(scope: Scope, id_: str, known: Plain) -> Plain | None:
    """From its route table, which is read for itself and its routes as well; an import knows no table."""
    if known.get("routeTableId"):
        answer = scope.call_unless({_NO_TABLE}, "describe_route_tables", RouteTableIds=[known["routeTableId"]])
    else:
        answer = scope.call(
            "describe_route_tables", Filters=[{"Name": "association.route-table-association-id", "Values": [id_]}]
        )
    for table in answer["RouteTables"] if answer else ():
        for association in table["Associations"]:
            if association["RouteTableAssociationId"] == id_:
                return dict(association)
    return None


def _refuse_second_association(scope: Scope, inputs: Plain) -> None:
    """A subnet has one route table at most. AWS says so itself; moto answers with the id of the other association."""
    if not inputs.get("subnetId"):
        return
    answer = scope.call(
        "describe_route_tables", Filters=[{"Name": "association.subnet-id", "Values": [inputs["subnetId"]]}]
    )
    for table in answer["RouteTables"]:
        raise AlreadyExists(
            "ec2",
            "associate_route_table",
            "Resource.AlreadyAssociated",
            f"{inputs['subnetId']} already has the route table {table['RouteTableId']}, by an association that this "
            "resource did not make: remove that first.",
        )


def _associations(scope: Scope, inputs: Plain) -> list[str]:
    """The ids of the associations that are as the inputs want them."""
    answer = scope.call_unless({_NO_TABLE}, "describe_route_tables", RouteTableIds=[inputs["routeTableId"]])
    wanted = ("SubnetId", inputs["subnetId"]) if inputs.get("subnetId") else ("GatewayId", inputs.get("gatewayId"))
    return [
        association["RouteTableAssociationId"]
        for table in (answer or {"RouteTables": []})["RouteTables"]
        for association in table["Associations"]
        if association.get(wanted[0]) == wanted[1]
    ]


ROUTE_TABLE_ASSOCIATION = ResourceType(
    name="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    inputs=(
        # The real provider changes it in place, by a call that gives the association a new id. Pulumi has no way to
        # record that, so here the association is replaced.
        text("routeTableId", required=True, replace=True),
        text("subnetId", replace=True),
        text("gatewayId", replace=True),
    ),
    precheck=_refuse_second_association,
    create=Call("associate_route_table"),
    id="AssociationId",
    read=_read_association,
    missing=frozenset({_NO_ASSOCIATION}),
    delete=Call("disassociate_route_table", {"AssociationId": "$id"}),
    find=FindListed(_associations),
    delete_before_replace=True,
)


def _change_members(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    """What is added to and removed from an endpoint, in one call."""
    changes: dict[str, Any] = {}
    for name, singular in (("routeTableIds", "RouteTableIds"), ("subnetIds", "SubnetIds")):
        _add_and_remove(changes, singular, set(old.get(name, ())), set(new.get(name, ())))
    _add_and_remove(
        changes, "SecurityGroupIds", set(old.get("securityGroupIds", ())), set(new.get("securityGroupIds", ()))
    )
    scope.call("modify_vpc_endpoint", VpcEndpointId=id_, **changes)


def _add_and_remove(changes: dict[str, Any], member: str, before: set[str], after: set[str]) -> None:
    if added := sorted(after - before):
        changes[f"Add{member}"] = added
    if removed := sorted(before - after):
        changes[f"Remove{member}"] = removed


def _change_policy(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    how = {"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True}
    scope.call("modify_vpc_endpoint", VpcEndpointId=id_, **how)


VPC_ENDPOINT = ResourceType(
    name="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    inputs=(
        text("vpcId", required=True, replace=True),
        text("serviceName", required=True, replace=True),
        text(
            "vpcEndpointType",
            replace=True,
            default="Gateway",
            choices=("Gateway", "Interface", "GatewayLoadBalancer"),
        ),
        json_text("policy", member="PolicyDocument", computed=True),
        collection("routeTableIds", computed=True),
        collection("subnetIds", computed=True),
        collection("securityGroupIds", computed=True, source="Groups[].GroupId"),
        flag("privateDnsEnabled", computed=True),
        text("ipAddressType", computed=True),
        flag("autoAccept", sent=False, returned=False),
    ),
    outputs=(
        text("arn", returned=False),
        text("ownerId"),
        text("state"),
        flag("requesterManaged"),
        collection("networkInterfaceIds"),
        collection("dnsEntries", text("dnsName"), text("hostedZoneId")),
        text("prefixListId", source="PrefixList.PrefixListId"),
        collection("cidrBlocks", source="PrefixList.Cidrs"),
    ),
    tagging=ec2_tags("vpc-endpoint"),
    create=Call("create_vpc_endpoint", result="VpcEndpoint"),
    idempotency_member="ClientToken",
    id="VpcEndpointId",
    ready=Wait("State", frozenset({"available"}), frozenset({"failed", "rejected", "deleting", "deleted", "expired"})),
    read=Call("describe_vpc_endpoints", {"VpcEndpointIds": ["$id"]}, "VpcEndpoints[0]"),
    missing=frozenset({"InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"}),
    present=lambda described: described.get("State") not in {"deleted", "Deleted"},
    details=(
        Detail(
            "PrefixList",
            Call(
                "describe_prefix_lists",
                {"Filters": [{"Name": "prefix-list-name", "Values": ["$serviceName"]}]},
                "PrefixLists[0]",
            ),
            outputs_only=True,
        ),
    ),
    derived=ec2_arn("vpc-endpoint"),
    updates=(
        Custom(frozenset({"routeTableIds", "subnetIds", "securityGroupIds"}), _change_members),
        Custom(frozenset({"policy"}), _change_policy),
        Update(
            frozenset({"privateDnsEnabled", "ipAddressType"}), Call("modify_vpc_endpoint", {"VpcEndpointId": "$id"})
        ),
    ),
    updated=Wait("State", frozenset({"available"})),
    delete=Call("delete_vpc_endpoints", {"VpcEndpointIds": ["$id"]}),
    gone=True,
    find=FindMarked(
        Call("describe_vpc_endpoints", {"Filters": MARKED}, "VpcEndpoints"),
        "VpcEndpointId",
        alive=lambda described: described.get("State") in {"pending", "available", "pendingAcceptance"},
    ),
)

TYPES = (ROUTE_TABLE, ROUTE, ROUTE_TABLE_ASSOCIATION, VPC_ENDPOINT)
