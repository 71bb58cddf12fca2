"""X-Ray: groups of traces, and rules of which requests are traced."""

from __future__ import annotations

from ils_sandbox.provider.errors import AwsError
from ils_sandbox.provider.fields import block, flag, mapping, number, text
from ils_sandbox.provider.resource import Call, Detail, FindNamed, ResourceType, Scope, Update
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})
_TAGGED = {"ResourceARN": "$arn"}
_TAGS = Detail("Tags", Call("list_tags_for_resource", _TAGGED, "Tags"), missing=_NOT_FOUND)


def _described(scope: Scope, **by: str) -> Plain | None:
    """A group by its name or ARN. For one that is not there X-Ray has the code of every bad request."""
    try:
        found: Plain = scope.call("get_group", **by)["Group"]
    except AwsError as error:
        if error.code == "InvalidRequestException" and "not found" in error.detail.lower():
            return None
        raise
    return found


def _arn(scope: Scope, inputs: Plain) -> str | None:
    found = _described(scope, GroupName=inputs["groupName"])
    return str(found["GroupARN"]) if found else None


GROUP = ResourceType(
    name="aws:xray/group:Group",
    service="xray",
    inputs=(
        text("groupName", required=True, replace=True),
        text("filterExpression", required=True),
        block(
            "insightsConfiguration",
            flag("insightsEnabled", required=True),
            flag("notificationsEnabled", computed=True),
            computed=True,
        ),
    ),
    outputs=(text("arn", source="GroupARN"),),
    tagging=pair_tags("tag_resource", "untag_resource", _TAGGED),
    create=Call("create_group", result="Group"),
    id="GroupARN",
    read=lambda scope, arn, _state: _described(scope, GroupARN=arn),
    missing=_NOT_FOUND,
    details=(_TAGS,),
    updates=(
        Update(frozenset({"filterExpression", "insightsConfiguration"}), Call("update_group", {"GroupARN": "$id"})),
    ),
    delete=Call("delete_group", {"GroupARN": "$id"}),
    find=FindNamed(_arn),
)

_MEMBERS = {
    "ruleName": "RuleName",
    "resourceArn": "ResourceARN",
    "priority": "Priority",
    "fixedRate": "FixedRate",
    "reservoirSize": "ReservoirSize",
    "serviceName": "ServiceName",
    "serviceType": "ServiceType",
    "host": "Host",
    "httpMethod": "HTTPMethod",
    "urlPath": "URLPath",
    "attributes": "Attributes",
}
_NUMBERS = ("priority", "fixedRate", "reservoirSize")
_TEXTS = ("resourceArn", "serviceName", "serviceType", "host", "httpMethod", "urlPath")


def _in_rule(name: str) -> str:
    return f"SamplingRule.{_MEMBERS[name]}"


def _rule(scope: Scope, name: str, _state: Plain) -> Plain | None:
    """There is no call for one rule."""
    more: Plain = {}
    while True:
        page = scope.call("get_sampling_rules", **more)
        for record in page["SamplingRuleRecords"]:
            if record["SamplingRule"]["RuleName"] == name:
                found: Plain = record["SamplingRule"]
                return found
        if not page.get("NextToken"):
            return None
        more = {"NextToken": page["NextToken"]}


SAMPLING_RULE = ResourceType(
    name="aws:xray/samplingRule:SamplingRule",
    service="xray",
    inputs=(
        text("ruleName", member=_in_rule("ruleName"), source="RuleName", required=True, replace=True),
        *(text(name, member=_in_rule(name), source=_MEMBERS[name], required=True) for name in _TEXTS),
        *(number(name, member=_in_rule(name), source=_MEMBERS[name], required=True) for name in _NUMBERS),
        number("version", member="SamplingRule.Version", source="Version", required=True, replace=True),
        mapping(
            "attributes",
            member=_in_rule("attributes"),
            source="Attributes",
            decode=lambda found: dict(found) if found else None,
        ),
    ),
    outputs=(text("arn", source="RuleARN"),),
    tagging=pair_tags("tag_resource", "untag_resource", _TAGGED),
    create=Call("create_sampling_rule", result="SamplingRuleRecord.SamplingRule"),
    id="RuleName",
    read=_rule,
    missing=_NOT_FOUND,
    details=(_TAGS,),
    updates=(
        Update(
            frozenset(_MEMBERS),
            Call("update_sampling_rule"),
            all_fields=True,
            members={name: f"SamplingRuleUpdate.{member}" for name, member in _MEMBERS.items()},
        ),
    ),
    delete=Call("delete_sampling_rule", {"RuleName": "$id"}),
    find=FindNamed(lambda _scope, inputs: str(inputs["ruleName"])),
)

TYPES = (GROUP, SAMPLING_RULE)
