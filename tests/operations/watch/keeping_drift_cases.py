"""Ways to change dev's backups, here and in the other region, and its monitoring behind the product's back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

from ils_pipelines.settings.layers import Layer
from tests.operations.watch.drift_cases import CLUSTER, MADE, WRONG, Case
from tests.operations.watch.site import Site, calls, change, without_alarm

_BUCKET = "ils-dev-backups-123456789012-us-east-1"
_COPIES = "ils-dev-copies-123456789012-us-west-2"
_DR_REGION = "us-west-2"


@change
def _copying_stopped(site: Site) -> Iterator[None]:
    s3 = site.client("s3")
    configuration = s3.get_bucket_replication(Bucket=_BUCKET)["ReplicationConfiguration"]

    def turn(status: str) -> None:
        configuration["Rules"][0]["Status"] = status
        s3.put_bucket_replication(Bucket=_BUCKET, ReplicationConfiguration=configuration)

    turn("Disabled")
    try:
        yield
    finally:
        turn("Enabled")


@change
def _without_dr_alias(site: Site) -> Iterator[None]:
    kms, name = site.target.client("kms", region=_DR_REGION), "alias/ils-dev-backup-copies"
    kms.delete_alias(AliasName=name)
    try:
        yield
    finally:
        kms.create_alias(AliasName=name, TargetKeyId=site.id(Layer.BACKUP_VAULT, "ReplicaKey", "backup-copies"))


def _retention(days: int) -> dict[str, Any]:
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}
    return {"Bucket": _COPIES, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}


@change
def _empty_dashboard(site: Site) -> Iterator[None]:
    cloudwatch = site.client("cloudwatch")
    before = cloudwatch.get_dashboard(DashboardName=CLUSTER)["DashboardBody"]
    cloudwatch.put_dashboard(DashboardName=CLUSTER, DashboardBody=json.dumps({"widgets": []}))
    try:
        yield
    finally:
        cloudwatch.put_dashboard(DashboardName=CLUSTER, DashboardBody=before)


CASES: tuple[Case, ...] = (
    # -- backup_vault, here and in the other region
    Case(Layer.BACKUP_VAULT, "backup-copies", "rules[0].status", "Enabled", "Disabled", _copying_stopped),
    Case(
        Layer.BACKUP_VAULT,
        "backups",
        "tags.owner",
        None,
        WRONG,
        calls(
            "backup",
            ("tag_resource", {"Tags": {"owner": WRONG}}),
            ("untag_resource", {"TagKeyList": ["owner"]}),
            ResourceArn=lambda site: site.output(Layer.BACKUP_VAULT, "vault_arn"),
        ),
    ),
    Case(
        Layer.BACKUP_VAULT,
        "copies",
        "rule.defaultRetention.days",
        1,
        2,
        calls(
            "s3",
            ("put_object_lock_configuration", _retention(2)),
            ("put_object_lock_configuration", _retention(1)),
            region=_DR_REGION,
        ),
    ),
    Case(
        Layer.BACKUP_VAULT,
        "backup-copies",
        "enabled",
        True,
        False,
        calls(
            "kms",
            ("disable_key", {}),
            ("enable_key", {}),
            region=_DR_REGION,
            KeyId=lambda site: site.id(Layer.BACKUP_VAULT, "ReplicaKey", "backup-copies"),
        ),
    ),
    Case(
        Layer.BACKUP_VAULT,
        "backup-copies",
        "",
        None,
        None,
        _without_dr_alias,
    ),
    # -- monitoring
    Case(
        Layer.MONITORING,
        "database-cpu",
        "actionsEnabled",
        True,
        False,
        calls(
            "cloudwatch",
            ("disable_alarm_actions", {"AlarmNames": ["ils-dev-database-cpu"]}),
            ("enable_alarm_actions", {"AlarmNames": ["ils-dev-database-cpu"]}),
        ),
    ),
    Case(
        Layer.MONITORING,
        "alarms",
        "tags.owner",
        None,
        WRONG,
        calls(
            "sns",
            ("tag_resource", {"Tags": MADE}),
            ("untag_resource", {"TagKeys": ["owner"]}),
            ResourceArn=lambda site: site.output(Layer.MONITORING, "alarm_topic_arn"),
        ),
    ),
    Case(Layer.MONITORING, "overview", "dashboardBody", ANY, ANY, _empty_dashboard),
    Case(Layer.MONITORING, "requests-slow", "", None, None, without_alarm("ils-dev-requests-slow")),
)
