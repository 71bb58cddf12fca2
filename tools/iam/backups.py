"""The policy of whoever takes, verifies and deletes backup sets. It can neither go around a lock nor delete what is live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tools.iam.beside import MASTER_SECRET_TAG
from tools.iam.scopes import IS_OURS, NAME, NAMED, TAGGED

_TRANSFERS = (f"arn:${{PARTITION}}:s3:::{NAME}-transfers-*",)
_BUCKETS = tuple(f"arn:${{PARTITION}}:s3:::{NAME}-{kind}-*" for kind in ("backups", "copies"))


def _allow(
    sid: str, actions: Iterable[str], resources: Iterable[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
    return statement | ({"Condition": dict(condition)} if condition else {})


def _backup() -> tuple[dict[str, Any], ...]:
    snapshots = NAMED["rds", "cluster-snapshot"]
    cache = (*NAMED["elasticache", "snapshot"], *NAMED["elasticache", "replicationgroup"])
    return (
        _allow(
            "Look",
            (
                "dynamodb:ListBackups",
                "elasticache:DescribeReplicationGroups",
                "elasticache:DescribeSnapshots",
                "rds:DescribeDBClusterSnapshots",
                "rds:DescribeDBClusters",
                # Without it, on everything, ElastiCache exports nothing: it looks whether the bucket is the caller's.
                "s3:ListAllMyBuckets",
            ),
            ("*",),
        ),
        _allow("Cluster", ("eks:DescribeCluster",), NAMED["eks", "cluster"]),
        _allow("Sets", ("s3:ListBucket", "s3:ListBucketVersions"), _BUCKETS),
        _allow(
            "ObjectsOfSets",
            (
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectRetention",
                "s3:GetObjectVersion",
                "s3:PutObject",
            ),
            (f"{bucket}/*" for bucket in _BUCKETS),
        ),
        _allow("Transfers", ("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"), _TRANSFERS),
        _allow(
            "ObjectsOfTransfers",
            ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"),
            (f"{bucket}/*" for bucket in _TRANSFERS),
        ),
        _allow(
            "Snapshots",
            ("rds:CopyDBClusterSnapshot", "rds:CreateDBClusterSnapshot"),
            (*snapshots, *NAMED["rds", "cluster"]),
        ),
        _allow(
            "TagsOfSnapshots",
            ("rds:AddTagsToResource", "rds:DeleteDBClusterSnapshot", "rds:ListTagsForResource"),
            snapshots,
        ),
        _allow(
            "Tables",
            (
                "dynamodb:CreateBackup",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ExportTableToPointInTime",
                "dynamodb:ListTagsOfResource",
            ),
            NAMED["dynamodb", "table"],
        ),
        _allow(
            "BackupsOfTables",
            ("dynamodb:DeleteBackup", "dynamodb:DescribeBackup"),
            (f"{table}/backup/*" for table in NAMED["dynamodb", "table"]),
        ),
        _allow(
            "ExportsOfTables",
            ("dynamodb:DescribeExport",),
            (f"{table}/export/*" for table in NAMED["dynamodb", "table"]),
        ),
        _allow("CacheSnapshots", ("elasticache:CopySnapshot", "elasticache:CreateSnapshot"), cache),
        _allow(
            "TagsOfCacheSnapshots",
            ("elasticache:AddTagsToResource", "elasticache:DeleteSnapshot", "elasticache:ListTagsForResource"),
            NAMED["elasticache", "snapshot"],
        ),
        _allow(
            "KeysThroughServices",
            ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
            TAGGED["kms", "key"],
            {
                "StringEquals": IS_OURS,
                "StringLike": {
                    "kms:ViaService": [
                        f"{service}.*.amazonaws.com"
                        for service in ("dynamodb", "elasticache", "rds", "s3", "secretsmanager")
                    ]
                },
            },
        ),
        _allow("Signatures", ("kms:Sign", "kms:Verify"), TAGGED["kms", "key"], {"StringEquals": IS_OURS}),
        _allow(
            "MasterSecret",
            ("secretsmanager:GetSecretValue",),
            ("arn:${PARTITION}:secretsmanager:*:${ACCOUNT_ID}:secret:rds!cluster-*",),
            {"StringLike": {MASTER_SECRET_TAG: ("arn:${PARTITION}:rds:*:${ACCOUNT_ID}:cluster:ils-${ENVIRONMENT}")}},
        ),
    )


BACKUP: Mapping[str, dict[str, Any]] = {"backup": {"Version": "2012-10-17", "Statement": list(_backup())}}
