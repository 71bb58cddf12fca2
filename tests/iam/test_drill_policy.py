"""What drills may do: nothing to what is live."""

from __future__ import annotations

from tests.iam.evaluation import DRILL, covering, statements
from tools.iam.reference import reference

VALUES = {"PARTITION": "aws", "ACCOUNT_ID": "123456789012", "ENVIRONMENT": "production"}
AT = "arn:aws:{}:us-east-1:123456789012:{}"
LIVE = (
    AT.format("rds", "cluster:ils-production"),
    AT.format("rds", "db:ils-production-1"),
    AT.format("elasticache", "replicationgroup:ils-production"),
    AT.format("dynamodb", "table/ils-production-sessions"),
    AT.format("eks", "cluster/ils-production"),
    AT.format("eks", "nodegroup/ils-production/general/0a1b2c3d"),
    AT.format("secretsmanager", "secret:ils-production-database-url-AbCdEf"),
)
ONLY_READ = {"rds:CopyDBClusterSnapshot", "rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBClusterToPointInTime"}
"""What is done with a snapshot of ours, which stays as it is."""


def test_nothing_that_is_live_can_be_touched() -> None:
    assert [each["Sid"] for arn in LIVE for each in covering(DRILL, arn, VALUES)] == []


def test_backups_can_be_restored_and_not_deleted() -> None:
    snapshot = AT.format("rds", "cluster-snapshot:ils-production-20261125-043000")
    assert {action for each in covering(DRILL, snapshot, VALUES) for action in each["Action"]} == ONLY_READ
    for object_ in ("sets/2026-11-25T043000Z/manifest.json", "sets/x/data/database.dump"):
        arn = f"arn:aws:s3:::ils-production-backups-123456789012-us-east-1/{object_}"
        assert {action for each in covering(DRILL, arn, VALUES) for action in each["Action"]} == {
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListBucket",
            "s3:ListBucketVersions",
        }


def test_what_changes_something_is_bound_by_name_or_tag() -> None:
    free = {
        action
        for each in statements(DRILL)
        for action in each["Action"]
        if each["Sid"] != "DatabaseDefaults"
        and not reference(action).reads
        and not all("${ENVIRONMENT}" in resource for resource in each["Resource"])
        and "environment" not in str(each.get("Condition"))
    }
    # RDS has groups of its own that a database is in beside a drill's, chooses the names of these secrets, DynamoDB
    # those of its logs of imports. Instances start only from a template that is a drill's: see the next.
    assert free == {
        *("secretsmanager:CreateSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource"),
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:PutRetentionPolicy"),
        "ec2:RunInstances",
    }


def test_nodes_start_from_launch_templates_of_drills_alone() -> None:
    starting = [each for each in statements(DRILL) if "ec2:RunInstances" in each["Action"]]
    of_templates = [each for each in starting if any("launch-template" in resource for resource in each["Resource"])]
    assert [each["Condition"]["StringEquals"]["aws:ResourceTag/project"] for each in of_templates] == ["ils-drill"]
    assert all("ArnLike" in each["Condition"] for each in starting if each not in of_templates)


def test_a_drill_makes_no_roles_and_passes_those_of_clusters_to_eks_alone() -> None:
    about = [each for each in statements(DRILL) if any(action.startswith("iam:") for action in each["Action"])]
    (passing,) = about
    assert passing["Action"] == ["iam:PassRole"]
    assert [resource.rpartition("/")[2] for resource in passing["Resource"]] == [
        "ils-${ENVIRONMENT}-control-plane",
        "ils-${ENVIRONMENT}-nodes",
    ]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "eks.amazonaws.com"}}
