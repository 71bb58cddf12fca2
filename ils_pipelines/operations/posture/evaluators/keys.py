"""KMS: the keys of the environment, and whose a key is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.models import Observation

CUSTOMER_KEY = "encrypted with a customer-managed KMS key"


def encrypted(live: Live, resource: str, key: str | None) -> Observation:
    """An observation of `resource`, which is encrypted with `key` (an ARN, id or alias; None for AWS's own default)."""
    if not key:
        return Observation(resource, CUSTOMER_KEY, "no KMS key of its own", holds=False)
    return Observation(resource, CUSTOMER_KEY, key, holds=not _aws_managed(live, key))


def _aws_managed(live: Live, key: str) -> bool:
    """AWS's own keys are those behind the aliases `alias/aws/…`, which nobody else can give."""
    if "alias/" in key:
        return "alias/aws/" in key
    aliases = live.list("kms", "list_aliases", "Aliases")
    aws_keys = {each.get("TargetKeyId") for each in aliases if each["AliasName"].startswith("alias/aws/")}
    return key.rsplit("/", 1)[-1] in aws_keys


def rotation(live: Live) -> Iterator[Observation]:
    """Of symmetric keys: KMS rotates no others."""
    for name, key_id in _own_keys(live):
        if live.get("kms", "describe_key", KeyId=key_id)["KeyMetadata"].get("KeySpec") != "SYMMETRIC_DEFAULT":
            continue
        enabled = live.get("kms", "get_key_rotation_status", KeyId=key_id)["KeyRotationEnabled"]
        found = "it rotates" if enabled else "it does not rotate"
        yield Observation(f"KMS key {name}", "yearly rotation or more often", found, holds=bool(enabled))


def policies(live: Live) -> Iterator[Observation]:
    expected = "no statement that allows every principal without a condition"
    for name, key_id in _own_keys(live):
        policy = json.loads(live.get("kms", "get_key_policy", KeyId=key_id, PolicyName="default")["Policy"])
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        open_ones = [each for each in statements if _open(each)]
        found = ", ".join(str(each.get("Sid", "a statement without Sid")) for each in open_ones)
        yield Observation(f"KMS key {name}", expected, f"open: {found}" if found else "none", holds=not open_ones)


def _open(statement: Record) -> bool:
    principal: Any = statement.get("Principal")
    named = principal.get("AWS", ()) if isinstance(principal, dict) else principal
    everybody = "*" in ([named] if isinstance(named, str) else named or ())
    return statement["Effect"] == "Allow" and everybody and not statement.get("Condition")


def _own_keys(live: Live) -> list[tuple[str, str]]:
    """Alias and id of every key with an alias of the environment."""
    aliases = live.list("kms", "list_aliases", "Aliases")
    return [
        (alias["AliasName"].removeprefix("alias/"), alias["TargetKeyId"])
        for alias in aliases
        if live.scope.owns_name(alias["AliasName"]) and "TargetKeyId" in alias
    ]
