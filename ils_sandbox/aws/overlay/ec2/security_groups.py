"""Security group rules: descriptions, those of rules that refer to a group or prefix list too, and what moto leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

DESCRIPTIONS = "ec2.security-group-rule-descriptions"
_DESCRIPTION = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html; groups are described likewise."""


def create_security_group(call: Call, world: World) -> Result:
    _check((call.params.get("Description") or "",))
    return world.forward(call)


def authorize(call: Call, world: World) -> Result:
    """AuthorizeSecurityGroupIngress and AuthorizeSecurityGroupEgress."""
    _check(_descriptions_in(call.params.get("IpPermissions") or []))
    result = world.forward(call)
    rules = result.get("SecurityGroupRules", [])
    described = _descriptions_given(call.params.get("IpPermissions") or [])
    for rule in rules:
        description = described.get(_source(rule))
        if description:
            world.table(DESCRIPTIONS, call)[rule["SecurityGroupRuleId"]] = description
    result["SecurityGroupRules"] = [_completed(call, world, rule) for rule in rules]
    return result


def modify_security_group_rules(call: Call, world: World) -> Result:
    _check((each.get("SecurityGroupRule") or {}).get("Description") or "" for each in call.params["SecurityGroupRules"])
    result = world.forward(call)
    for change in call.params["SecurityGroupRules"]:
        rule = change.get("SecurityGroupRule") or {}
        world.table(DESCRIPTIONS, call)[change["SecurityGroupRuleId"]] = rule.get("Description")
    return result


def describe_security_group_rules(call: Call, world: World) -> Result:
    result = world.forward(call)
    rules = [_completed(call, world, rule) for rule in result.get("SecurityGroupRules", [])]
    return {**result, "SecurityGroupRules": rules}


def describe_security_groups(call: Call, world: World) -> Result:
    result = world.forward(call)
    groups = result.get("SecurityGroups", [])
    if not world.table(DESCRIPTIONS, call):
        return result
    for group in groups:
        if not any(_sources(permission) for side in _SIDES for permission in group.get(side, [])):
            continue
        filters = [{"Name": "group-id", "Values": [group["GroupId"]]}]
        rules = world.invoke(call, "ec2", "DescribeSecurityGroupRules", Filters=filters)["SecurityGroupRules"]
        by_source = {
            (rule["IsEgress"], rule["IpProtocol"], rule.get("FromPort"), _source(rule)): _completed(call, world, rule)
            for rule in rules
        }
        for side in _SIDES:
            for permission in group.get(side, []):
                for source, entry in _sources(permission):
                    key = (side == "IpPermissionsEgress", permission["IpProtocol"], permission.get("FromPort"), source)
                    description = by_source.get(key, {}).get("Description")
                    if description:
                        entry["Description"] = description
    return result


def _check(descriptions: Iterable[str]) -> None:
    """Raises AwsError, in EC2's words, for one that EC2 does not take."""
    for description in descriptions:
        if not _DESCRIPTION.fullmatch(description):
            message = (
                "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: "
                f"a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$* (found: {description})"
            )
            raise AwsError("InvalidParameterValue", message)


def _descriptions_in(permissions: list[dict[str, Any]]) -> Iterator[str]:
    for permission in permissions:
        for kind in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
            yield from (each.get("Description") or "" for each in permission.get(kind) or ())


_SIDES = ("IpPermissions", "IpPermissionsEgress")


def _sources(permission: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    pairs = [(str(pair.get("GroupId")), pair) for pair in permission.get("UserIdGroupPairs", [])]
    return pairs + [(str(prefix.get("PrefixListId")), prefix) for prefix in permission.get("PrefixListIds", [])]


def _descriptions_given(permissions: list[dict[str, Any]]) -> dict[str, str]:
    return {
        source: entry["Description"]
        for permission in permissions
        for source, entry in _sources(permission)
        if entry.get("Description")
    }


def _source(rule: dict[str, Any]) -> str:
    return str(rule.get("PrefixListId") or (rule.get("ReferencedGroupInfo") or {}).get("GroupId"))


def _completed(call: Call, world: World, rule: dict[str, Any]) -> dict[str, Any]:
    identifier = rule["SecurityGroupRuleId"]
    completed = {
        **rule,
        "GroupOwnerId": call.account,
        "SecurityGroupRuleArn": f"arn:aws:ec2:{call.region}:{call.account}:security-group-rule/{identifier}",
    }
    if rule["IpProtocol"] == "-1":
        completed.update(FromPort=-1, ToPort=-1)
    description = world.table(DESCRIPTIONS, call).get(identifier)
    if description:
        completed["Description"] = description
    return completed


ROUTES: Routes = {
    "AuthorizeSecurityGroupEgress": authorize,
    "AuthorizeSecurityGroupIngress": authorize,
    "CreateSecurityGroup": create_security_group,
    "DescribeSecurityGroupRules": describe_security_group_rules,
    "DescribeSecurityGroups": describe_security_groups,
    "ModifySecurityGroupRules": modify_security_group_rules,
}
