"""What drills may do: nothing to what is live."""

from __future__ import annotations

from tests.iam.evaluation import covering, policy, statements
from tools.iam.reference import reference

VALUES = {"PARTITION": "aws", "ACCOUNT_ID": "123456789012", "ENVIRONMENT": "production"}
AT = "arn:aws:{}:us-east-1:123456789012:{}"
LIVE = (
    AT.format("rds", "cluster:ils-production"),
    AT.format("rds", "db:ils-production-1"),
    AT.format("elasticache", "replicationgroup:ils-production"),
    AT.format("dynamodb", "table/ils-production-sessions"),
    AT.format("secretsmanager", "secret:ils-production-database-url-AbCdEf"),
)
ONLY_READ = {"rds:CopyDBClusterSnapshot", "rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBClusterToPointInTime"}
"""What is done with a snapshot of ours, which stays as it is."""


def test_nothing_that_is_live_can_be_touched() -> None:
    assert [each["Sid"] for arn in LIVE for each in covering(["drill"], arn, VALUES)] == []


def test_backups_can_be_restored_and_not_deleted() -> None:
    snapshot = AT.format("rds", "cluster-snapshot:ils-production-20261125-043000")
    assert {action for each in covering(["drill"], snapshot, VALUES) for action in each["Action"]} == ONLY_READ
    for object_ in ("sets/2026-11-25T043000Z/manifest.json", "sets/x/data/database.dump"):
        arn = f"arn:aws:s3:::ils-production-backups-123456789012-us-east-1/{object_}"
        assert {action for each in covering(["drill"], arn, VALUES) for action in each["Action"]} == {
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListBucket",
        }


def test_what_changes_something_is_bound_by_name_or_tag() -> None:
    free = {
        action
        for each in statements(["drill"])
        for action in each["Action"]
        if not reference(action).reads
        and not all("${ENVIRONMENT}" in resource for resource in each["Resource"])
        and "environment" not in str(each.get("Condition"))
    }
    # RDS chooses the names of these secrets.
    assert free == {"secretsmanager:CreateSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource"}


def test_a_drill_makes_no_roles_and_passes_none() -> None:
    assert not [
        action for each in policy("drill")["Statement"] for action in each["Action"] if action.startswith("iam:")
    ]
