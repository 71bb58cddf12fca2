"""EC2 security groups with the rules inside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ils_sandbox.provider.errors import ProviderError
from ils_sandbox.provider.fields import Field, collection, flag, number, text
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import AutoName, Call, Custom, FindMarked, ResourceType, Scope
from ils_sandbox.provider.services.ec2_network import MARKED, ec2_arn
from ils_sandbox.provider.tagging import ec2_tags
from ils_sandbox.provider.values import Plain

GROUP_NOT_FOUND = "InvalidGroup.NotFound"
_ALL = "-1"
_PROTOCOLS = {"all": _ALL, "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_SOURCES = (
    # Pulumi's property, AWS's list, AWS's member in it
    ("cidrBlocks", "IpRanges", "CidrIp"),
    ("ipv6CidrBlocks", "Ipv6Ranges", "CidrIpv6"),
    ("prefixListIds", "PrefixListIds", "PrefixListId"),
    ("securityGroups", "UserIdGroupPairs", "GroupId"),
)
_DIRECTIONS = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}

_EVERYTHING_OUT = {"IpProtocol": _ALL, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
"""The rule that AWS gives every new group of a VPC."""


def protocol(name: str) -> str:
    """One spelling for each protocol."""
    return _PROTOCOLS.get(name.lower(), name.lower())


def rules(name: str, **row: Any) -> Field:
    """The rules of one direction. Rules may also be resources of their own, so they count only if given here."""
    return collection(
        name,
        text("protocol", required=True, canonical=protocol),
        number("fromPort", required=True),
        number("toPort", required=True),
        text("description"),
        *(collection(source) for source, _, _ in _SOURCES),
        flag("self"),
        sent=False,
        source=f"{{permissions: {_DIRECTIONS[name]}, id: GroupId}}",
        decode=_decode_rules,
        **row,
    )


def _decode_rules(described: Plain) -> list[Plain]:
    """AWS's permissions as rules: one for each protocol, port range and description."""
    found: dict[tuple[Any, ...], Plain] = {}
    for permission in described.get("permissions") or ():
        ports = (permission.get("FromPort", 0), permission.get("ToPort", 0))
        if permission["IpProtocol"] == _ALL:
            ports = (0, 0)
        for name, member, key in _SOURCES:
            for source in permission.get(member) or ():
                description = source.get("Description", "")
                rule = found.setdefault(
                    (permission["IpProtocol"], *ports, description),
                    {"protocol": permission["IpProtocol"], "fromPort": ports[0], "toPort": ports[1]},
                )
                if description:
                    rule["description"] = description
                if name == "securityGroups" and source[key] == described.get("id"):
                    rule["self"] = True
                else:
                    rule.setdefault(name, []).append(source[key])
    return list(found.values())


def _permission(rule: Plain, group_id: str) -> Plain:
    """A rule as AWS takes it."""
    described = {"Description": rule["description"]} if rule.get("description") else {}
    permission: Plain = {"IpProtocol": protocol(str(rule["protocol"]))}
    if permission["IpProtocol"] != _ALL:
        permission |= {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
    for name, member, key in _SOURCES:
        sources = list(rule.get(name) or ())
        if name == "securityGroups" and rule.get("self"):
            sources.append(group_id)
        if sources:
            permission[member] = [{key: source, **described} for source in sources]
    return permission


def _authorize(scope: Scope, id_: str, direction: str, wanted: Iterable[Plain]) -> None:
    if permissions := [_permission(rule, id_) for rule in wanted]:
        scope.call(f"authorize_security_group_{direction}", GroupId=id_, IpPermissions=permissions)


def _revoke(scope: Scope, id_: str, direction: str, unwanted: Iterable[Plain]) -> None:
    if permissions := [_permission(rule, id_) for rule in unwanted]:
        scope.call_unless(
            {"InvalidPermission.NotFound"},
            f"revoke_security_group_{direction}",
            GroupId=id_,
            IpPermissions=permissions,
        )


def _change_rules(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    for direction in _DIRECTIONS:
        before, after = old.get(direction) or [], new.get(direction) or []
        if direction in new or scope.type is DEFAULT_SECURITY_GROUP:
            _revoke(scope, id_, direction, [rule for rule in before if rule not in after])
            _authorize(scope, id_, direction, [rule for rule in after if rule not in before])


def _set_up(scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
    scope.call("revoke_security_group_egress", GroupId=id_, IpPermissions=[_EVERYTHING_OUT])
    for direction in _DIRECTIONS:
        _authorize(scope, id_, direction, inputs.get(direction, ()))


def _revoke_the_default_rule(scope: Scope, id_: str, _inputs: Plain) -> None:
    scope.call_unless(
        {"InvalidPermission.NotFound"}, "revoke_security_group_egress", GroupId=id_, IpPermissions=[_EVERYTHING_OUT]
    )


def _empty(scope: Scope, id_: str, described: Plain) -> None:
    """Revoke every rule there is, whoever made it."""
    for direction, member in _DIRECTIONS.items():
        there = _decode_rules({"permissions": described.get(member), "id": id_})
        _revoke(scope, id_, direction, there)


def _empty_before_delete(scope: Scope, id_: str, state: Plain) -> None:
    if state.get("revokeRulesOnDelete") and (described := _described(scope, id_)):
        _empty(scope, id_, described)


def _described(scope: Scope, id_: str) -> Plain | None:
    answer = scope.call_unless({GROUP_NOT_FOUND}, "describe_security_groups", GroupIds=[id_])
    return dict(answer["SecurityGroups"][0]) if answer and answer["SecurityGroups"] else None


SECURITY_GROUP = ResourceType(
    name="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    inputs=(
        text("name", member="GroupName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        text("description", default="Managed by Pulumi", replace=True),
        text("vpcId", replace=True, computed=True),
        rules("ingress", computed=True, only_if_given=True),
        rules("egress", computed=True, only_if_given=True),
        flag("revokeRulesOnDelete", default=False, sent=False, returned=False),
    ),
    outputs=(text("arn", returned=False), text("ownerId")),
    naming=AutoName(prefix_property="namePrefix", longest=255),
    tagging=ec2_tags("security-group"),
    create=Call("create_security_group"),
    id="GroupId",
    after_create=_set_up,
    resume=_revoke_the_default_rule,
    read=Call("describe_security_groups", {"GroupIds": ["$id"]}, "SecurityGroups[0]"),
    missing=frozenset({GROUP_NOT_FOUND, "InvalidGroupId.NotFound"}),
    derived=lambda scope, id_, properties: {
        "ownerId": properties.get("ownerId") or scope.account(),
        **ec2_arn("security-group")(scope, id_, properties),
    },
    updates=(Custom(frozenset(_DIRECTIONS), _change_rules),),
    before_delete=_empty_before_delete,
    delete=Call("delete_security_group", {"GroupId": "$id"}),
    find=FindMarked(Call("describe_security_groups", {"Filters": MARKED}, "SecurityGroups"), "GroupId"),
)


def _adopt(scope: Scope, inputs: Plain, _request: Plain) -> Plain:
    """Take over the group that every VPC has: mark it, empty it, give it the wanted rules."""
    vpc = inputs.get("vpcId")
    if vpc is None:
        vpcs = scope.call("describe_vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        vpc = vpcs[0]["VpcId"] if vpcs else ""
    groups = scope.call(
        "describe_security_groups",
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}],
    )["SecurityGroups"]
    if not groups:
        raise ProviderError(f"VPC {vpc or '(default)'} has no default security group: there is no such VPC")
    group = dict(groups[0])
    id_ = group["GroupId"]
    tags = {**inputs.get("tags", {}), MARK: mark_of(scope.urn)}
    scope.call("create_tags", Resources=[id_], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    _empty(scope, id_, group)
    for direction in _DIRECTIONS:
        _authorize(scope, id_, direction, inputs.get(direction, ()))
    return {**group, "IpPermissions": [], "IpPermissionsEgress": []}


DEFAULT_SECURITY_GROUP = ResourceType(
    name="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    inputs=(
        text("vpcId", replace=True, computed=True),
        rules("ingress"),
        rules("egress"),
        flag("revokeRulesOnDelete", default=False, sent=False, returned=False),
    ),
    outputs=(
        text("arn", returned=False),
        text("ownerId"),
        text("name", source="GroupName"),
        text("description"),
    ),
    tagging=ec2_tags("security-group"),
    create=_adopt,
    id="GroupId",
    read=Call("describe_security_groups", {"GroupIds": ["$id"]}, "SecurityGroups[0]"),
    missing=SECURITY_GROUP.missing,
    derived=ec2_arn("security-group"),
    updates=(Custom(frozenset(_DIRECTIONS), _change_rules),),
    delete=None,
    find=FindMarked(Call("describe_security_groups", {"Filters": MARKED}, "SecurityGroups"), "GroupId"),
)

TYPES = (SECURITY_GROUP, DEFAULT_SECURITY_GROUP)
