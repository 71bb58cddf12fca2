"""VPCs, subnets and endpoints: attributes that moto drops, and the default group's rule."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World

SUBNETS = "ec2.subnets"


def create_vpc(call: Call, world: World) -> Result:
    result = world.forward(call)
    filters = [
        {"Name": "vpc-id", "Values": [result["Vpc"]["VpcId"]]},
        {"Name": "group-name", "Values": ["default"]},
    ]
    group = world.invoke(call, "ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"][0]["GroupId"]
    # In AWS the members of a new VPC's default group reach each other.
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    world.invoke(call, "ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[permission])
    return result


def modify_subnet_attribute(call: Call, world: World) -> Result:
    params = dict(call.params)
    extras: dict[str, Any] = world.table(SUBNETS, call).setdefault(params["SubnetId"], {})
    if params.get("EnableDns64") is not None:
        extras["EnableDns64"] = params["EnableDns64"]["Value"]
    if params.get("PrivateDnsHostnameTypeOnLaunch") is not None:
        extras["HostnameType"] = params["PrivateDnsHostnameTypeOnLaunch"]
    if params.get("EnableResourceNameDnsAAAARecordOnLaunch") is not None:
        extras["EnableResourceNameDnsAAAARecord"] = params["EnableResourceNameDnsAAAARecordOnLaunch"]["Value"]
    return world.forward(call)


def describe_subnets(call: Call, world: World) -> Result:
    result = world.forward(call)
    table = world.table(SUBNETS, call)
    for subnet in result.get("Subnets", []):
        extras = dict(table.get(subnet["SubnetId"], {}))
        subnet["EnableDns64"] = extras.pop("EnableDns64", False)
        subnet["PrivateDnsNameOptionsOnLaunch"] = {**subnet.get("PrivateDnsNameOptionsOnLaunch", {}), **extras}
    return result


def create_vpc_endpoint(call: Call, world: World) -> Result:
    # moto cannot delete an endpoint whose type was left to the default.
    result = world.forward(call, {"VpcEndpointType": "Gateway", **call.params})
    return {**result, "VpcEndpoint": _completed(result["VpcEndpoint"])}


def describe_vpc_endpoints(call: Call, world: World) -> Result:
    result = world.forward(call)
    return {**result, "VpcEndpoints": [_completed(endpoint) for endpoint in result.get("VpcEndpoints", [])]}


def modify_vpc_endpoint(call: Call, world: World) -> Result:
    """moto changes the endpoint's route tables, but not the routes in them."""
    result = world.forward(call)
    params = call.params
    backend = world.backend(call, "ec2")
    endpoint = backend.vpc_end_points[params["VpcEndpointId"]]
    if endpoint.vpc_endpoint_type == "Gateway":
        prefix_list = endpoint.destination_prefix_list_id
        for table in params.get("RemoveRouteTableIds") or ():
            backend.delete_route(table, prefix_list)
        for table in params.get("AddRouteTableIds") or ():
            backend.create_route(
                table, None, destination_prefix_list_id=prefix_list, gateway_id=params["VpcEndpointId"]
            )
    return result


def _completed(endpoint: dict[str, Any]) -> dict[str, Any]:
    if endpoint["VpcEndpointType"] == "Gateway":
        # Only interface endpoints have names.
        return {**endpoint, "PrivateDnsEnabled": False}
    return endpoint


ROUTES: Routes = {
    "CreateVpc": create_vpc,
    "CreateVpcEndpoint": create_vpc_endpoint,
    "DescribeSubnets": describe_subnets,
    "DescribeVpcEndpoints": describe_vpc_endpoints,
    "ModifySubnetAttribute": modify_subnet_attribute,
    "ModifyVpcEndpoint": modify_vpc_endpoint,
}
