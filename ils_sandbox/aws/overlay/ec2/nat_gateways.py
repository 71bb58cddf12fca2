"""NAT gateways: pending, available, deleting, deleted."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, Routes, World
from ils_sandbox.aws.responses import AwsError


def create_nat_gateway(call: Call, world: World) -> Result:
    allocation = call.params.get("AllocationId")
    if allocation:
        addresses = world.invoke(call, "ec2", "DescribeAddresses", AllocationIds=[allocation])["Addresses"]
        if addresses[0].get("AssociationId"):
            message = f"Elastic IP address [{allocation}] is already associated"
            raise AwsError("Resource.AlreadyAssociated", message)
    # moto describes the kind of gateway only when it was named.
    result = world.forward(call, {"ConnectivityType": "public", **call.params})
    gateway = result["NatGateway"]
    world.lifecycles.begin(gateway["NatGatewayId"], "pending", durations.NAT_GATEWAY_CREATE)
    result["NatGateway"] = {**_described(world, gateway), "State": "pending"}
    return result


def describe_nat_gateways(call: Call, world: World) -> Result:
    # moto knows no intermediate state: filters on the state are applied to what is shown.
    filters = call.params.get("Filter") or call.params.get("Filters") or []
    states = [value for entry in filters if entry["Name"] == "state" for value in entry["Values"]]
    others = [entry for entry in filters if entry["Name"] != "state"]
    params = {key: value for key, value in call.params.items() if key not in ("Filter", "Filters")}
    result = world.forward(call, {**params, "Filter": others} if others else params)
    gateways = [_described(world, gateway) for gateway in result.get("NatGateways", [])]
    wanted = call.params.get("NatGatewayIds") or ()
    missing = set(wanted) - {gateway["NatGatewayId"] for gateway in gateways}
    if missing and not filters:
        raise AwsError("NatGatewayNotFound", f"The Nat Gateway {', '.join(sorted(missing))} was not found")
    return {**result, "NatGateways": [gateway for gateway in gateways if not states or gateway["State"] in states]}


def delete_nat_gateway(call: Call, world: World) -> Result:
    identifier = call.params["NatGatewayId"]
    found = world.invoke(call, "ec2", "DescribeNatGateways", NatGatewayIds=[identifier]).get("NatGateways")
    if not found:
        raise AwsError("NatGatewayNotFound", f"The Nat Gateway {identifier} was not found")
    result = world.forward(call)
    if found[0]["State"] != "deleted":
        world.lifecycles.begin(identifier, "deleting", durations.NAT_GATEWAY_DELETE)
        for address in found[0].get("NatGatewayAddresses", []):
            _free(call, world, address)
    return result


def _free(call: Call, world: World, address: dict[str, Any]) -> None:
    """moto keeps the address associated with a gateway that is gone, and the gateway's network interface."""
    if address.get("AssociationId"):
        try:
            world.invoke(call, "ec2", "DisassociateAddress", AssociationId=address["AssociationId"])
        except MotoRefusedError:
            # Released meanwhile.
            return
    world.backend(call, "ec2").enis.pop(address.get("NetworkInterfaceId"), None)


def _described(world: World, gateway: dict[str, Any]) -> dict[str, Any]:
    phase = world.lifecycles.phase(gateway["NatGatewayId"])
    addresses = [
        {**address, "IsPrimary": index == 0, "Status": "associating" if phase == "pending" else "succeeded"}
        for index, address in enumerate(gateway.get("NatGatewayAddresses", []))
    ]
    return {**gateway, "State": phase or gateway["State"], "NatGatewayAddresses": addresses}


ROUTES: Routes = {
    "CreateNatGateway": create_nat_gateway,
    "DeleteNatGateway": delete_nat_gateway,
    "DescribeNatGateways": describe_nat_gateways,
}
