"""The VPC, its subnets and its endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.operations.scope import tag_filter, tags_of

_GATEWAY_SERVICES = ("s3", "dynamodb")


def vpcs(live: Live) -> tuple[Record, ...]:
    """The VPCs that carry the environment's tags."""
    found = live.list("ec2", "describe_vpcs", "Vpcs", Filters=tag_filter(live.scope))
    return tuple(vpc for vpc in found if live.scope.owns_tags(tags_of(vpc.get("Tags"))))


def vpc_ids(live: Live) -> set[str]:
    return {vpc["VpcId"] for vpc in vpcs(live)}


def in_vpcs(live: Live, operation: str, member: str) -> tuple[Record, ...]:
    """What an EC2 call lists in those VPCs, and not all that the account has: other environments are no business of ours."""
    own = sorted(vpc_ids(live))
    return live.list("ec2", operation, member, Filters=[{"Name": "vpc-id", "Values": own}]) if own else ()


def flow_logs(live: Live) -> Iterator[Observation]:
    for vpc in vpcs(live):
        of_it = [{"Name": "resource-id", "Values": [vpc["VpcId"]]}]
        logs = live.list("ec2", "describe_flow_logs", "FlowLogs", Filter=of_it)
        own = [log for log in logs if log["FlowLogStatus"] == "ACTIVE"]
        found = ", ".join(f"{log['FlowLogId']} of {log['TrafficType']}" for log in own) or "no active flow log"
        # FSBP wants rejected connections recorded; all of them include those.
        yield Observation(
            _label("VPC", vpc, "VpcId"),
            "an active flow log of ALL or REJECT traffic",
            found,
            holds=any(log["TrafficType"] in {"ALL", "REJECT"} for log in own),
        )


def no_public_ip(live: Live) -> Iterator[Observation]:
    for subnet in in_vpcs(live, "describe_subnets", "Subnets"):
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
    endpoints = in_vpcs(live, "describe_vpc_endpoints", "VpcEndpoints")
    return {
        each["ServiceName"].rsplit(".", 1)[-1]
        for each in endpoints
        if each["VpcId"] == vpc_id and each.get("State", "available").lower() == "available"
    }


def _label(kind: str, record: Record, key: str) -> str:
    name = tags_of(record.get("Tags")).get("Name", "")
    return f"{kind} {name} ({record[key]})" if name else f"{kind} {record[key]}"
