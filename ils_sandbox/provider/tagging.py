"""The ways AWS services take and give tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ils_sandbox.provider.resource import Scope, Tagging, fill
from ils_sandbox.provider.values import Plain


def pairs(key: str = "Key", value: str = "Value") -> Callable[[Mapping[str, str]], list[dict[str, str]]]:
    """Tags as a list of pairs."""
    return lambda tags: [{key: name, value: text} for name, text in tags.items()]


def from_pairs(key: str = "Key", value: str = "Value") -> Callable[[Any], dict[str, str]]:
    return lambda tags: {tag[key]: tag.get(value, "") for tag in tags or ()}


def ec2_tags(resource_type: str) -> Tagging:
    """Tags of `ec2`: a specification per kind of resource, changed by one call for all kinds."""
    as_pairs = pairs()
    return Tagging(
        member="TagSpecifications",
        encode=lambda tags: [{"ResourceType": resource_type, "Tags": as_pairs(tags)}],
        source="Tags",
        decode=from_pairs(),
        tag=lambda scope, id_, _properties, tags: _call(scope, "create_tags", Resources=[id_], Tags=as_pairs(tags)),
        untag=lambda scope, id_, _properties, names: _call(
            scope, "delete_tags", Resources=[id_], Tags=[{"Key": name} for name in names]
        ),
    )


def pair_tags(
    tag: str,
    untag: str,
    target: Mapping[str, Any],
    *,
    member: str = "Tags",
    source: str = "Tags",
    key: str = "Key",
    value: str = "Value",
) -> Tagging:
    """Tags as pairs, changed by the calls `tag` and `untag`, whose `target` parameters are a template."""
    as_pairs = pairs(key, value)
    return Tagging(
        member=member,
        encode=as_pairs,
        source=source,
        decode=from_pairs(key, value),
        tag=lambda scope, id_, properties, tags: _call(
            scope, tag, **_target(target, id_, properties), Tags=as_pairs(tags)
        ),
        untag=lambda scope, id_, properties, names: _call(
            scope, untag, **_target(target, id_, properties), TagKeys=names
        ),
    )


def map_tags(target: str, *, source: str = "tags", arn: str = "arn") -> Tagging:
    """Tags as a map, in services that spell members in camel case.

    `target` is the member that takes the ARN, `arn` the property that has it.
    """
    return Tagging(
        member="tags",
        encode=dict,
        source=source,
        decode=lambda tags: dict(tags or {}),
        tag=lambda scope, _id, properties, tags: _call(
            scope, "tag_resource", **{target: properties[arn]}, tags=dict(tags)
        ),
        untag=lambda scope, _id, properties, names: _call(
            scope, "untag_resource", **{target: properties[arn]}, tagKeys=names
        ),
    )


def _target(target: Mapping[str, Any], id_: str, properties: Plain) -> Plain:
    return dict(fill(target, {**properties, "id": id_}))


def _call(scope: Scope, operation: str, /, **parameters: Any) -> None:
    scope.call(operation, **parameters)
