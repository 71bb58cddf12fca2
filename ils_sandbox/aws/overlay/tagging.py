"""Resource Groups Tagging API: moto finds what its own services tag; what the overlay keeps, and some of EC2, it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import xray
from ils_sandbox.aws.overlay.eks.routes import ARNS
from ils_sandbox.aws.overlay.elasticache.tags import TAGS
from ils_sandbox.aws.overlay.world import Result, Routes, World

_EC2 = (
    ("DescribeAddresses", "Addresses", "AllocationId", "elastic-ip"),
    ("DescribeLaunchTemplates", "LaunchTemplates", "LaunchTemplateId", "launch-template"),
    ("DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId", "vpc-endpoint"),
    ("DescribeFlowLogs", "FlowLogs", "FlowLogId", "vpc-flow-log"),
    ("DescribeSecurityGroupRules", "SecurityGroupRules", "SecurityGroupRuleId", "security-group-rule"),
)
"""Operation, member, identifier and the kind in an ARN."""

Tags = Mapping[str, str]


def get_resources(call: Call, world: World) -> Result:
    """All in one page."""
    found = {each["ResourceARN"]: each for each in _of_moto(call, world)}
    wanted, kinds = call.params.get("TagFilters") or [], call.params.get("ResourceTypeFilters") or []
    if not call.params.get("ResourceARNList"):
        for arn, tags in _others(call, world, kinds):
            if arn not in found and tags and _matches(tags, wanted) and _is_of(arn, kinds):
                listed = [{"Key": key, "Value": value} for key, value in tags.items()]
                found[arn] = {"ResourceARN": arn, "Tags": listed}
    return {"PaginationToken": "", "ResourceTagMappingList": list(found.values())}


def _of_moto(call: Call, world: World) -> Iterator[Result]:
    token = ""
    while True:
        params = {**call.params, "PaginationToken": token}
        page = world.invoke(call, "resourcegroupstaggingapi", "GetResources", **params)
        yield from page["ResourceTagMappingList"]
        token = page.get("PaginationToken") or ""
        if not token:
            return


def _others(call: Call, world: World, kinds: Sequence[str]) -> Iterator[tuple[str, Tags]]:
    yield from list(world.table(TAGS, call).items())
    yield from list(world.table(xray.TAGS, call).items())
    yield from _certificates(call, world)
    asked = not kinds or any(each.partition(":")[0] == "ec2" for each in kinds)
    for operation, member, identifier, kind in _EC2 if asked else ():
        for each in world.invoke(call, "ec2", operation)[member]:
            tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags") or ()}
            yield f"arn:aws:ec2:{call.region}:{call.account}:{kind}/{each[identifier]}", tags
    for table, member in ARNS.items():
        for record in list(world.table(table, call).values()):
            yield record[member], record["tags"]


def _certificates(call: Call, world: World) -> Iterator[tuple[str, Tags]]:
    for certificate in list(world.backend(call, "acm")._certificates.values()):
        yield certificate.arn, {key: value or "" for key, value in certificate.tags.items()}


def _is_of(arn: str, kinds: Sequence[str]) -> bool:
    """Whether it is of one of these types: `acm`, or `acm:certificate`."""
    _, _, service, _, _, resource = arn.split(":", 5)
    return not kinds or bool({service, f"{service}:{re.split('[:/]', resource)[0]}"} & set(kinds))


def _matches(tags: Tags, wanted: list[Result]) -> bool:
    return all(
        each["Key"] in tags and (not each.get("Values") or tags[each["Key"]] in each["Values"]) for each in wanted
    )


ROUTES: Routes = {"GetResources": get_resources}
