"""Adding a cache, a table, secrets, keys, logs, topics and vaults as nobody should make them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.site import Case, Site, case

_ROGUE = "ils-dev-rogue"


def _cache(site: Site) -> Iterator[str]:
    elasticache = site.client("elasticache")
    elasticache.create_replication_group(
        ReplicationGroupId=_ROGUE,
        ReplicationGroupDescription="made by hand",
        Engine="redis",
        CacheNodeType="cache.t4g.micro",
        NumCacheClusters=1,
        SnapshotRetentionLimit=0,
    )
    _until(
        lambda: (
            elasticache.describe_replication_groups(ReplicationGroupId=_ROGUE)["ReplicationGroups"][0]["Status"]
            == "available"
        )
    )
    try:
        yield f"cache {_ROGUE}"
    finally:
        elasticache.delete_replication_group(ReplicationGroupId=_ROGUE)
        _until(lambda: _ROGUE not in _names(elasticache))


def _names(elasticache: Any) -> list[str]:
    groups = elasticache.describe_replication_groups()["ReplicationGroups"]
    return [group["ReplicationGroupId"] for group in groups]


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def _cache_node(site: Site) -> Iterator[str]:
    for _ in _cache(site):
        yield f"cache node {_ROGUE}-001"


def _table(site: Site) -> Iterator[str]:
    dynamodb = site.client("dynamodb")
    dynamodb.create_table(
        TableName=_ROGUE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        yield f"table {_ROGUE}"
    finally:
        dynamodb.delete_table(TableName=_ROGUE)


def _secret(site: Site) -> Iterator[str]:
    secrets = site.client("secretsmanager")
    secrets.create_secret(Name=_ROGUE, SecretString="not a secret")
    try:
        yield f"secret {_ROGUE}"
    finally:
        secrets.delete_secret(SecretId=_ROGUE, ForceDeleteWithoutRecovery=True)


def _slow_rotation(site: Site) -> Iterator[str]:
    for found in _secret(site):
        site.client("secretsmanager").rotate_secret(
            SecretId=_ROGUE, RotationRules={"AutomaticallyAfterDays": 180}, RotateImmediately=False
        )
        yield found


def _key(**policy: Any) -> Callable[[Site], Iterator[str]]:
    def added(site: Site) -> Iterator[str]:
        kms = site.client("kms")
        key = kms.create_key(Description="made by hand")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/{_ROGUE}", TargetKeyId=key)
        if policy:
            document = {"Version": "2012-10-17", "Statement": [policy]}
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
        try:
            yield f"KMS key {_ROGUE}"
        finally:
            kms.delete_alias(AliasName=f"alias/{_ROGUE}")
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)

    return added


def _log_group(site: Site) -> Iterator[str]:
    logs = site.client("logs")
    logs.create_log_group(logGroupName=f"/{_ROGUE}/log")
    try:
        yield f"log group /{_ROGUE}/log"
    finally:
        logs.delete_log_group(logGroupName=f"/{_ROGUE}/log")


def _topic(site: Site) -> Iterator[str]:
    sns = site.client("sns")
    arn = sns.create_topic(Name=_ROGUE)["TopicArn"]
    try:
        yield f"topic {_ROGUE}"
    finally:
        sns.delete_topic(TopicArn=arn)


def _vault(site: Site) -> Iterator[str]:
    backup = site.client("backup")
    backup.create_backup_vault(BackupVaultName=_ROGUE)
    try:
        yield f"backup vault {_ROGUE}"
    finally:
        backup.delete_backup_vault(BackupVaultName=_ROGUE)


_EVERYBODY = {"Sid": "Open", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}

CASES: tuple[Case, ...] = (
    case(ControlId.CACHE_ENCRYPTION, "another", _cache),
    case(ControlId.CACHE_TLS, "another", _cache),
    case(ControlId.CACHE_AUTH_TOKEN, "another", _cache),
    case(ControlId.CACHE_FAILOVER, "another", _cache),
    case(ControlId.CACHE_BACKUPS, "another", _cache),
    case(ControlId.CACHE_SUBNET_GROUP, "another", _cache_node),
    case(ControlId.TABLE_POINT_IN_TIME_RECOVERY, "another", _table),
    case(ControlId.TABLE_ENCRYPTION, "another", _table),
    case(ControlId.TABLE_BACKUP_PLAN, "another", _table),
    case(ControlId.TABLE_DELETION_PROTECTION, "another", _table),
    case(ControlId.SECRET_ENCRYPTION, "another", _secret),
    case(ControlId.SECRET_ROTATION, "another", _secret),
    case(ControlId.SECRET_ROTATION_PERIOD, "half a year", _slow_rotation),
    case(ControlId.KEY_ROTATION, "another", _key()),
    case(ControlId.KEY_POLICY, "everybody", _key(**_EVERYBODY)),
    case(ControlId.LOG_RETENTION, "another", _log_group),
    case(ControlId.LOG_ENCRYPTION, "another", _log_group),
    case(ControlId.TOPIC_ENCRYPTION, "another", _topic),
    case(ControlId.BACKUP_VAULT_ENCRYPTION, "another", _vault),
)
