"""The VPC, its subnets and its endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.operations.scope import tags_of

_GATEWAY_SERVICES = ("s3", "dynamodb")


def vpcs(live: Live) -> tuple[Record, ...]:
    """The VPCs that carry the environment's tags."""
    found = live.list("ec2", "describe_vpcs", "Vpcs")
    return tuple(vpc for vpc in found if live.scope.owns_tags(tags_of(vpc.get("Tags"))))


def vpc_ids(live: Live) -> set[str]:
    return {vpc["VpcId"] for vpc in vpcs(live)}


def flow_logs(live: Live) -> Iterator[Observation]:
    logs = live.list("ec2", "describe_flow_logs", "FlowLogs")
    for vpc in vpcs(live):
        own = [log for log in logs if log["ResourceId"] == vpc["VpcId"] and log["FlowLogStatus"] == "ACTIVE"]
        found = ", ".join(f"{log['FlowLogId']} of {log['TrafficType']}" for log in own) or "no active flow log"
        # FSBP wants rejected connections recorded; all of them include those.
        yield Observation(
            _label("VPC", vpc, "VpcId"),
            "an active flow log of ALL or REJECT traffic",
            found,
            holds=any(log["TrafficType"] in {"ALL", "REJECT"} for log in own),
        )


def no_public_ip(live: Live) -> Iterator[Observation]:
    own = vpc_ids(live)
    for subnet in live.list("ec2", "describe_subnets", "Subnets"):
        if subnet["VpcId"] in own:
            given = bool(subnet.get("MapPublicIpOnLaunch"))
            yield Observation(
                _label("subnet", subnet, "SubnetId"),
                "MapPublicIpOnLaunch false",
                f"MapPublicIpOnLaunch {str(given).lower()}",
                holds=not given,
            )


def gateway_endpoints(live: Live) -> Iterator[Observation]:
    for vpc in vpcs(live):
        there = _endpoint_services(live, vpc["VpcId"])
        for service in _GATEWAY_SERVICES:
            yield _endpoint(vpc, service, there)


def ec2_endpoint(live: Live) -> Iterator[Observation]:
    for vpc in vpcs(live):
        yield _endpoint(vpc, "ec2", _endpoint_services(live, vpc["VpcId"]))


def _endpoint(vpc: Record, service: str, there: set[str]) -> Observation:
    found = ", ".join(sorted(there)) or "no endpoint"
    return Observation(_label("VPC", vpc, "VpcId"), f"an endpoint for {service}", found, holds=service in there)


def _endpoint_services(live: Live, vpc_id: str) -> set[str]:
    endpoints = live.list("ec2", "describe_vpc_endpoints", "VpcEndpoints")
    return {
        each["ServiceName"].rsplit(".", 1)[-1]
        for each in endpoints
        if each["VpcId"] == vpc_id and each.get("State", "available").lower() == "available"
    }


def _label(kind: str, record: Record, key: str) -> str:
    name = tags_of(record.get("Tags")).get("Name", "")
    return f"{kind} {name} ({record[key]})" if name else f"{kind} {record[key]}"
