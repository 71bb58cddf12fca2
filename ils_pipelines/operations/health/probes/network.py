"""NAT gateways: without one, private subnets cannot call out."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.health.judging import States, finding, judged
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.view import View

_STATES = States("available", frozenset({"pending"}))
_REMEDY = "Look at the failure in the VPC console; `ils drift` says what is missing."
_GONE = {"deleted", "deleting"}


def nat_gateways(view: View) -> Iterator[HealthFinding]:
    """Those of the VPC, which must have as many addresses as were made for them."""
    vpc = view.output("vpc_id")
    addresses = set(view.output("nat_public_ips"))
    if not addresses:
        return
    there = view.live.list("ec2", "describe_nat_gateways", "NatGateways", Filter=[{"Name": "vpc-id", "Values": [vpc]}])
    found = [gateway for gateway in there if gateway["State"] not in _GONE]
    for gateway in found:
        yield judged(
            f"NAT gateway {gateway['NatGatewayId']}",
            gateway,
            "State",
            _STATES,
            _REMEDY,
            lambda each: each.get("FailureMessage", ""),
        )
    serving = {each.get("PublicIp") for gateway in found for each in gateway.get("NatGatewayAddresses", ())}
    for address in sorted(addresses - serving):
        yield finding(
            f"NAT gateway at {address}", "a gateway with this address", "not there", _REMEDY, HealthStatus.UNHEALTHY
        )
