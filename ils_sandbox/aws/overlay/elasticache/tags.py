"""Tags of what is kept here, by ARN; those of everything else are moto's."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World

TAGS = "elasticache.tags"


def arn(call: Call, kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{call.region}:{call.account}:{kind}:{name}"


def remember_tags(call: Call, world: World, resource: str, given: list[dict[str, str]] | None) -> None:
    """Start the tags of a new resource."""
    world.table(TAGS, call)[resource] = {tag["Key"]: tag.get("Value", "") for tag in given or []}


def forget_tags(call: Call, world: World, resource: str) -> None:
    world.table(TAGS, call).pop(resource, None)


def list_tags_for_resource(call: Call, world: World) -> Result:
    tags = world.table(TAGS, call).get(call.params["ResourceName"])
    return world.forward(call) if tags is None else _tag_list(tags)


def add_tags_to_resource(call: Call, world: World) -> Result:
    tags = world.table(TAGS, call).get(call.params["ResourceName"])
    if tags is None:
        return world.forward(call)
    tags.update({tag["Key"]: tag.get("Value", "") for tag in call.params["Tags"]})
    return _tag_list(tags)


def remove_tags_from_resource(call: Call, world: World) -> Result:
    tags = world.table(TAGS, call).get(call.params["ResourceName"])
    if tags is None:
        return world.forward(call)
    for key in call.params["TagKeys"]:
        tags.pop(key, None)
    return _tag_list(tags)


def _tag_list(tags: dict[str, Any]) -> Result:
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}
