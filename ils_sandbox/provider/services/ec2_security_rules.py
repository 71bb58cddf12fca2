"""EC2 security group rules that are resources of their own."""

from __future__ import annotations

from ils_sandbox.provider.fields import number, text
from ils_sandbox.provider.resource import Call, Custom, FindMarked, ResourceType, Scope
from ils_sandbox.provider.services.ec2_network import MARKED, ec2_arn
from ils_sandbox.provider.services.ec2_security import GROUP_NOT_FOUND, protocol
from ils_sandbox.provider.tagging import ec2_tags
from ils_sandbox.provider.values import Plain

_ALL = "-1"
_MISSING = frozenset({"InvalidSecurityGroupRuleId.NotFound", GROUP_NOT_FOUND, "InvalidGroupId.NotFound"})
_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def _permission(inputs: Plain) -> Plain:
    described = {"Description": inputs["description"]} if inputs.get("description") else {}
    permission: Plain = {"IpProtocol": protocol(inputs["ipProtocol"])}
    if permission["IpProtocol"] != _ALL:
        ports = {"FromPort": inputs.get("fromPort"), "ToPort": inputs.get("toPort")}
        permission |= {member: port for member, port in ports.items() if port is not None}
    for name, member, key in (
        ("cidrIpv4", "IpRanges", "CidrIp"),
        ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("prefixListId", "PrefixListIds", "PrefixListId"),
        ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ):
        if inputs.get(name):
            permission[member] = [{key: inputs[name], **described}]
    return permission


def _read(scope: Scope, id_: str, state: Plain) -> Plain | None:
    """From all rules of its group, so that reading every rule of a group can do with one answer."""
    group = state.get("securityGroupId")
    chosen = {"Filters": [{"Name": "group-id", "Values": [group]}]} if group else {"SecurityGroupRuleIds": [id_]}
    answer = scope.call("describe_security_group_rules", **chosen)
    found = [rule for rule in answer["SecurityGroupRules"] if rule["SecurityGroupRuleId"] == id_]
    if not found:
        return None
    rule = dict(found[0])
    if rule["IpProtocol"] == _ALL:  # AWS gives -1 for ports that do not apply
        rule |= {"FromPort": None, "ToPort": None}
    return rule


def _modify(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    """One call that takes the whole rule."""
    rule = scope.type.codec.request(tuple(f for f in scope.type.inputs if f.name != "securityGroupId"), new)
    rule["IpProtocol"] = protocol(rule["IpProtocol"])
    if rule["IpProtocol"] == _ALL:
        rule = {member: value for member, value in rule.items() if member not in {"FromPort", "ToPort"}}
    scope.call(
        "modify_security_group_rules",
        GroupId=new["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": id_, "SecurityGroupRule": rule}],
    )


def _check(inputs: Plain) -> list[tuple[str, str]]:
    given = [name for name in _SOURCES if inputs.get(name) is not None]
    if len(given) == 1:
        return []
    return [("cidrIpv4", f"expected exactly one of {', '.join(_SOURCES)}, found {given}")]


def _rule(direction: str, name: str) -> ResourceType:
    def create(scope: Scope, inputs: Plain, request: Plain) -> Plain:
        answer = scope.call(
            f"authorize_security_group_{direction}",
            GroupId=inputs["securityGroupId"],
            IpPermissions=[_permission(inputs)],
            TagSpecifications=request["TagSpecifications"],
        )
        rule = answer["SecurityGroupRules"][0]
        return {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "GroupOwnerId": rule.get("GroupOwnerId")}

    return ResourceType(
        name=name,
        service="ec2",
        inputs=(
            text("securityGroupId", source="GroupId", required=True, replace=True),
            text("ipProtocol", required=True, canonical=protocol),
            number("fromPort"),
            number("toPort"),
            text("cidrIpv4"),
            text("cidrIpv6"),
            text("prefixListId"),
            text("referencedSecurityGroupId", member="ReferencedGroupId", source="ReferencedGroupInfo.GroupId"),
            text("description"),
        ),
        outputs=(
            text("arn", returned=False),
            text("securityGroupRuleId"),
        ),
        tagging=ec2_tags("security-group-rule"),
        create=create,
        id="SecurityGroupRuleId",
        read=_read,
        missing=_MISSING,
        derived=ec2_arn("security-group-rule"),
        updates=(Custom(frozenset({*_SOURCES, "ipProtocol", "fromPort", "toPort", "description"}), _modify),),
        delete=Call(
            f"revoke_security_group_{direction}",
            {"GroupId": "$securityGroupId", "SecurityGroupRuleIds": ["$id"]},
        ),
        find=FindMarked(
            Call("describe_security_group_rules", {"Filters": MARKED}, "SecurityGroupRules"), "SecurityGroupRuleId"
        ),
        validate=_check,
    )


TYPES = (
    _rule("ingress", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"),
    _rule("egress", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"),
)
