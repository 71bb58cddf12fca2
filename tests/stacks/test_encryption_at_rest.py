"""Everything that is stored is encrypted under a key of ours that rotates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]


def keys(applied: Runs) -> list[Any]:
    return [key for run in applied.values() for key in (*run.of("Key"), *run.of("ReplicaKey")) if not key.component]


def own_material(applied: Runs) -> list[Any]:
    """All but replicas, which have their primary key's."""
    return [key for key in keys(applied) if not key.type.endswith(":ReplicaKey")]


def signs(key: Any) -> bool:
    return bool(key.inputs.get("keyUsage") == "SIGN_VERIFY")


def test_every_key_that_encrypts_rotates(applied: Runs) -> None:
    encrypting = [key for key in own_material(applied) if not signs(key)]
    assert len(encrypting) == 9
    assert {key.inputs["enableKeyRotation"] for key in encrypting} == {True}


def test_one_key_signs_in_both_regions(applied: Runs) -> None:
    (key,) = filter(signs, own_material(applied))
    assert (key.name, key.inputs["customerMasterKeySpec"], key.inputs["multiRegion"]) == (
        "backup-signing",
        "ECC_NIST_P256",
        True,
    )
    assert named(applied, "backup-signing-copies").inputs["primaryKeyArn"].endswith("Key/backup-signing")


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("production", 30)])
def test_a_deleted_key_can_be_taken_back_as_long_as_the_tier_says(
    of_tier: Callable[[str], Runs], name: str, days: int
) -> None:
    assert {key.inputs["deletionWindowInDays"] for key in keys(of_tier(name))} == {days}


def test_every_key_has_an_alias_that_tells_its_purpose(applied: Runs, tier: str) -> None:
    aliases = {alias.inputs["name"] for run in applied.values() for alias in run.of("Alias")}
    used_here = ("cluster", "database", "cache", "tables", "secrets", "logs", "flow-logs", "alarms", "backups")
    purposes = (*used_here, "backup-copies", "backup-signing", "backup-signing-copies")
    assert aliases == {f"alias/ils-{tier}-{purpose}" for purpose in purposes}


def statements(key: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(key.inputs["policy"])["Statement"]
    return found


def test_no_key_may_be_used_by_everybody(applied: Runs) -> None:
    principals = [statement["Principal"] for key in keys(applied) for statement in statements(key)]
    assert principals
    assert [principal for principal in principals if "*" in principal.values() or principal == "*"] == []


def test_every_key_can_be_administered_by_the_account(applied: Runs) -> None:
    root = {"AWS": "arn:aws:iam::123456789012:root"}
    for key in keys(applied):
        assert any(s["Principal"] == root and s["Action"] == "kms:*" for s in statements(key))


def test_every_grant_beside_the_account_s_is_narrowed_by_a_condition(applied: Runs) -> None:
    others = [s for key in keys(applied) for s in statements(key) if s["Action"] != "kms:*"]
    assert len(others) == 10
    assert [statement for statement in others if not statement.get("Condition")] == []


@pytest.mark.parametrize(
    ("key", "service"),
    [
        ("cluster", "eks.us-east-1.amazonaws.com"),
        ("database", "rds.us-east-1.amazonaws.com"),
        ("cache", "elasticache.us-east-1.amazonaws.com"),
        ("tables", "dynamodb.us-east-1.amazonaws.com"),
        ("secrets", "secretsmanager.us-east-1.amazonaws.com"),
    ],
)
def test_a_key_is_used_through_its_service(applied: Runs, key: str, service: str) -> None:
    (_, use) = statements(named(applied, key))
    assert use["Condition"]["StringEquals"]["kms:ViaService"] == [service]


def named(applied: Runs, name: str) -> Any:
    (key,) = [key for key in keys(applied) if key.name == name]
    return key


@pytest.mark.parametrize(("key", "groups"), [("logs", "log-group:*"), ("flow-logs", "flow-logs*")])
def test_log_groups_of_this_account_may_use_the_key_of_logs(applied: Runs, key: str, groups: str) -> None:
    (_, use) = statements(named(applied, key))
    assert use["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    context = use["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert context.startswith("arn:aws:logs:us-east-1:123456789012:")
    assert context.endswith(groups)


@pytest.mark.parametrize(
    ("layer", "kind", "property_", "key"),
    [
        (Layer.DATABASE, "Cluster", "kmsKeyId", "database"),
        (Layer.DATABASE, "Cluster", "masterUserSecretKmsKeyId", "secrets"),
        (Layer.CACHE, "ReplicationGroup", "kmsKeyId", "cache"),
        (Layer.CACHE, "Secret", "kmsKeyId", "secrets"),
        (Layer.CLUSTER, "LogGroup", "kmsKeyId", "logs"),
        (Layer.DATABASE, "LogGroup", "kmsKeyId", "logs"),
        (Layer.VPC, "LogGroup", "kmsKeyId", "flow-logs"),
    ],
)
def test_what_is_stored_lies_under_the_key_of_its_kind(
    applied: Runs, layer: Layer, kind: str, property_: str, key: str
) -> None:
    (stored,) = [resource for resource in applied[layer].of(kind) if not resource.component]
    assert stored.inputs[property_].endswith(f"Key/{key}")


def test_kubernetes_secrets_lie_under_their_key(applied: Runs) -> None:
    configuration = applied[Layer.CLUSTER].one("Cluster").inputs["encryptionConfig"]
    assert configuration["resources"] == ["secrets"]
    assert configuration["provider"]["keyArn"].endswith("Key/cluster")


def test_performance_insights_lie_under_the_database_s_key(applied: Runs) -> None:
    for instance in applied[Layer.DATABASE].of("ClusterInstance"):
        assert instance.inputs["performanceInsightsKmsKeyId"].endswith("Key/database")


def test_storage_encryption_is_on(applied: Runs) -> None:
    assert applied[Layer.DATABASE].one("Cluster").inputs["storageEncrypted"] is True
    cache = next(group for group in applied[Layer.CACHE].of("ReplicationGroup") if not group.component)
    assert cache.inputs["atRestEncryptionEnabled"] is True
