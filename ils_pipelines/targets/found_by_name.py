"""Finding what an interrupted create made by the name that it was given: AWS's tagging API does not list it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Found = set[str]
"""Pulumi's ids: one, or none."""


def _role(client: Any, inputs: Mapping[str, Any], region: str | None) -> Found:
    iam, name = client("iam", region=region), str(inputs.get("name", ""))
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return set()
    return {name} if _has({tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}, inputs) else set()


def _access_entry(client: Any, inputs: Mapping[str, Any], region: str | None) -> Found:
    eks, cluster, principal = client("eks", region=region), inputs["clusterName"], inputs["principalArn"]
    try:
        entry = eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]
    except eks.exceptions.ResourceNotFoundException:
        return set()
    return {f"{cluster}:{principal}"} if _has(entry.get("tags") or {}, inputs) else set()


def _alias(client: Any, inputs: Mapping[str, Any], region: str | None) -> Found:
    """An alias has no tags: it is ours when it leads to our key."""
    kms, name = client("kms", region=region), str(inputs.get("name", ""))
    pages = kms.get_paginator("list_aliases").paginate(KeyId=inputs["targetKeyId"])
    return {name} & {each["AliasName"] for page in pages for each in page["Aliases"]}


def _has(tags: Mapping[str, str], inputs: Mapping[str, Any]) -> bool:
    wanted: Mapping[str, str] = inputs.get("tags") or {}
    return all(tags.get(key) == value for key, value in wanted.items())


BY_NAME: Mapping[str, Callable[[Any, Mapping[str, Any], str | None], Found]] = {
    "aws:iam/role:Role": _role,
    "aws:eks/accessEntry:AccessEntry": _access_entry,
    "aws:kms/alias:Alias": _alias,
}
"""By Pulumi's type."""
