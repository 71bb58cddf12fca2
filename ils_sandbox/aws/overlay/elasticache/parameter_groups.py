"""Cache parameter groups. Of each family only the parameters that are often set are known; any other can be set too."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.elasticache.tags import arn, forget_tags, remember_tags
from ils_sandbox.aws.overlay.elasticache.versions import FAMILIES
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

PARAMETER_GROUPS = "elasticache.parameter-groups"

# Name, default, type, allowed values; the same in the redis6.x, redis7 and valkey families.
PARAMETERS = (
    ("activedefrag", "no", "string", "yes,no"),
    ("appendonly", "no", "string", "yes,no"),
    ("close-on-replica-write", "yes", "string", "yes,no"),
    ("cluster-enabled", "no", "string", "yes,no"),
    ("databases", "16", "integer", "1-1200000"),
    ("maxmemory-policy", "volatile-lru", "string",
     "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,volatile-ttl,noeviction"),
    ("maxmemory-samples", "3", "integer", "1-"),
    ("notify-keyspace-events", "", "string", ""),
    ("reserved-memory-percent", "25", "integer", "0-100"),
    ("slowlog-log-slower-than", "10000", "integer", "-1-"),
    ("slowlog-max-len", "128", "integer", "0-"),
    ("tcp-keepalive", "300", "integer", "0-"),
    ("timeout", "0", "integer", "0,20-"),
)  # fmt: skip


def create_cache_parameter_group(call: Call, world: World) -> Result:
    params = call.params
    name, family = params["CacheParameterGroupName"].lower(), params["CacheParameterGroupFamily"]
    groups = world.table(PARAMETER_GROUPS, call)
    if name in groups or name.startswith("default."):
        raise AwsError("CacheParameterGroupAlreadyExists", f"Cache parameter group {name} already exists.")
    if family not in FAMILIES:
        raise AwsError(
            "InvalidParameterValue", f"CacheParameterGroupFamily {family} is not a valid parameter group family."
        )
    groups[name] = {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": family,
        "Description": params["Description"],
        "IsGlobal": False,
        "ARN": arn(call, "parametergroup", name),
        "parameters": {},
    }
    remember_tags(call, world, groups[name]["ARN"], params.get("Tags"))
    return {"CacheParameterGroup": deepcopy(groups[name])}


def find_parameter_group(call: Call, world: World, name: str) -> dict[str, Any]:
    """The group as it is kept, or the default one of a family. Raises CacheParameterGroupNotFound."""
    group: dict[str, Any] | None = world.table(PARAMETER_GROUPS, call).get(name.lower())
    if group is not None:
        return group
    family = name.removeprefix("default.").removesuffix(".cluster.on")
    if not name.startswith("default.") or family not in FAMILIES:
        raise AwsError("CacheParameterGroupNotFound", f"CacheParameterGroup {name} not found.")
    return {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": family,
        "Description": f"Default parameter group for {family}",
        "IsGlobal": False,
        "ARN": arn(call, "parametergroup", name),
        "parameters": {},
    }


def describe_cache_parameter_groups(call: Call, world: World) -> Result:
    name = call.params.get("CacheParameterGroupName")
    if name:
        return {"CacheParameterGroups": [deepcopy(find_parameter_group(call, world, name))]}
    defaults = [find_parameter_group(call, world, f"default.{family}") for family in sorted(FAMILIES)]
    return {"CacheParameterGroups": deepcopy([*defaults, *world.table(PARAMETER_GROUPS, call).values()])}


def describe_cache_parameters(call: Call, world: World) -> Result:
    group = find_parameter_group(call, world, call.params["CacheParameterGroupName"])
    known = {
        name: {
            "ParameterName": name,
            "ParameterValue": default,
            "Source": "system",
            "DataType": kind,
            "AllowedValues": allowed,
            "IsModifiable": True,
            "MinimumEngineVersion": "2.8.6",
            "ChangeType": "immediate",
        }
        for name, default, kind, allowed in PARAMETERS
    }
    for name, value in group["parameters"].items():
        base = known.get(name, {"ParameterName": name, "DataType": "string", "IsModifiable": True})
        known[name] = {**base, "ParameterValue": value, "Source": "user"}
    source = call.params.get("Source")
    return {"Parameters": [known[name] for name in sorted(known) if source in (None, known[name]["Source"])]}


def modify_cache_parameter_group(call: Call, world: World) -> Result:
    group = _own(call, world)
    for change in call.params["ParameterNameValues"]:
        group["parameters"][change["ParameterName"]] = change.get("ParameterValue", "")
    return {"CacheParameterGroupName": group["CacheParameterGroupName"]}


def reset_cache_parameter_group(call: Call, world: World) -> Result:
    group = _own(call, world)
    if call.params.get("ResetAllParameters"):
        group["parameters"].clear()
    for change in call.params.get("ParameterNameValues") or ():
        group["parameters"].pop(change["ParameterName"], None)
    return {"CacheParameterGroupName": group["CacheParameterGroupName"]}


def delete_cache_parameter_group(call: Call, world: World) -> Result:
    from ils_sandbox.aws.overlay.elasticache.subnet_groups import REPLICATION_GROUPS

    group = _own(call, world)
    name = group["CacheParameterGroupName"]
    if any(record["CacheParameterGroupName"] == name for record in world.table(REPLICATION_GROUPS, call).values()):
        message = f"One or more cache clusters are still members of this parameter group {name}."
        raise AwsError("InvalidCacheParameterGroupState", message)
    del world.table(PARAMETER_GROUPS, call)[name]
    forget_tags(call, world, group["ARN"])
    return {}


def _own(call: Call, world: World) -> dict[str, Any]:
    """The group that the call names, which must not be a default one."""
    name = call.params["CacheParameterGroupName"]
    group = find_parameter_group(call, world, name)
    if name.startswith("default."):
        message = f"Default CacheParameterGroup {name} can not be changed or deleted."
        raise AwsError("InvalidCacheParameterGroupState", message)
    return group
