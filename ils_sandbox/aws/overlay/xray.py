"""X-Ray: groups and sampling rules, of which moto has none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

GROUPS, RULES, TAGS = "xray.groups", "xray.rules", "xray.tags"
_DEFAULT = {
    **dict.fromkeys(("ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath", "ResourceARN"), "*"),
    "RuleName": "Default",
    "Priority": 10000,
    "FixedRate": 0.05,
    "ReservoirSize": 1,
    "Version": 1,
    "Attributes": {},
}
"""The rule that every account has in every region."""


def _refuse(message: str) -> AwsError:
    """X-Ray has one code for every mistake."""
    return AwsError("InvalidRequestException", message)


def _arn(call: Call, rest: str) -> str:
    return f"arn:aws:xray:{call.region}:{call.account}:{rest}"


def _tag(call: Call, world: World, arn: str) -> None:
    world.table(TAGS, call)[arn] = {each["Key"]: each["Value"] for each in call.params.get("Tags") or ()}


# -- groups: by name


def _group(call: Call, world: World) -> Result:
    wanted = call.params.get("GroupName"), call.params.get("GroupARN")
    for group in world.table(GROUPS, call).values():
        if group["GroupName"] == wanted[0] or group["GroupARN"] == wanted[1]:
            found: Result = group
            return found
    raise _refuse("Group not found")


def create_group(call: Call, world: World) -> Result:
    name = call.params["GroupName"]
    groups = world.table(GROUPS, call)
    if name in groups:
        raise _refuse(f"Group {name} already exists")
    arn = _arn(call, f"group/{name}/{uuid4().hex.upper()}")
    groups[name] = {"GroupName": name, "GroupARN": arn, "FilterExpression": call.params.get("FilterExpression", "")}
    groups[name]["InsightsConfiguration"] = _insights(call.params)
    _tag(call, world, arn)
    return {"Group": groups[name]}


def _insights(params: Mapping[str, Any]) -> Result:
    given = params.get("InsightsConfiguration") or {}
    return {"InsightsEnabled": False, "NotificationsEnabled": False, **given}


def get_group(call: Call, world: World) -> Result:
    return {"Group": _group(call, world)}


def get_groups(call: Call, world: World) -> Result:
    return {"Groups": list(world.table(GROUPS, call).values())}


def update_group(call: Call, world: World) -> Result:
    group = _group(call, world)
    if "FilterExpression" in call.params:
        group["FilterExpression"] = call.params["FilterExpression"]
    if "InsightsConfiguration" in call.params:
        group["InsightsConfiguration"] = _insights(call.params)
    return {"Group": group}


def delete_group(call: Call, world: World) -> Result:
    group = _group(call, world)
    del world.table(GROUPS, call)[group["GroupName"]]
    world.table(TAGS, call).pop(group["GroupARN"], None)
    return {}


# -- sampling rules: records by name


def _record(call: Call, world: World, wanted: Mapping[str, Any]) -> Result:
    for record in world.table(RULES, call).values():
        rule = record["SamplingRule"]
        if rule["RuleName"] == wanted.get("RuleName") or rule["RuleARN"] == wanted.get("RuleARN"):
            found: Result = record
            return found
    raise _refuse("Sampling rule not found")


def create_sampling_rule(call: Call, world: World) -> Result:
    given = call.params["SamplingRule"]
    name = given.get("RuleName")
    rules: Table = world.table(RULES, call)
    if not name or name == _DEFAULT["RuleName"] or name in rules:
        raise _refuse(f"Sampling rule {name} already exists" if name else "A sampling rule needs a RuleName")
    arn = _arn(call, f"sampling-rule/{name}")
    now = datetime.now(UTC)
    rule = {"Attributes": {}, **given, "RuleARN": arn}
    rules[name] = {"SamplingRule": rule, "CreatedAt": now, "ModifiedAt": now}
    _tag(call, world, arn)
    return {"SamplingRuleRecord": rules[name]}


def get_sampling_rules(call: Call, world: World) -> Result:
    """All in one page, AWS's own last."""
    default = {**_DEFAULT, "RuleARN": _arn(call, "sampling-rule/Default")}
    return {"SamplingRuleRecords": [*world.table(RULES, call).values(), {"SamplingRule": default}]}


def update_sampling_rule(call: Call, world: World) -> Result:
    change = call.params["SamplingRuleUpdate"]
    record = _record(call, world, change)
    record["SamplingRule"].update({key: value for key, value in change.items() if key not in ("RuleName", "RuleARN")})
    record["ModifiedAt"] = datetime.now(UTC)
    return {"SamplingRuleRecord": record}


def delete_sampling_rule(call: Call, world: World) -> Result:
    record = _record(call, world, call.params)
    rule = record["SamplingRule"]
    del world.table(RULES, call)[rule["RuleName"]]
    world.table(TAGS, call).pop(rule["RuleARN"], None)
    return {"SamplingRuleRecord": record}


# -- tags of both


def _tags(call: Call, world: World) -> dict[str, str]:
    arn = call.params["ResourceARN"]
    try:
        found: dict[str, str] = world.table(TAGS, call)[arn]
    except KeyError:
        raise AwsError("ResourceNotFoundException", f"Resource {arn} not found") from None
    return found


def tag_resource(call: Call, world: World) -> Result:
    _tags(call, world).update({each["Key"]: each["Value"] for each in call.params["Tags"]})
    return {}


def untag_resource(call: Call, world: World) -> Result:
    tags = _tags(call, world)
    for key in call.params["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, world: World) -> Result:
    return {"Tags": [{"Key": key, "Value": value} for key, value in _tags(call, world).items()]}


ROUTES: Routes = {
    "CreateGroup": create_group,
    "CreateSamplingRule": create_sampling_rule,
    "DeleteGroup": delete_group,
    "DeleteSamplingRule": delete_sampling_rule,
    "GetGroup": get_group,
    "GetGroups": get_groups,
    "GetSamplingRules": get_sampling_rules,
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateGroup": update_group,
    "UpdateSamplingRule": update_sampling_rule,
}
