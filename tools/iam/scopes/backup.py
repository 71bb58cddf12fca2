"""What whoever takes, verifies and deletes backup sets may do, and where: neither go round a lock nor delete what is live."""

from __future__ import annotations

from collections.abc import Mapping

from tools.iam.beside import MASTER_SECRET_TAG, MASTER_SECRETS
from tools.iam.scopes.names import IS_OURS, NAME, NAMED, TAGGED
from tools.iam.scopes.scope import Scope, at, of, scope

_TRANSFERS = (f"arn:${{PARTITION}}:s3:::{NAME}-transfers-*",)
_BUCKETS = tuple(f"arn:${{PARTITION}}:s3:::{NAME}-{kind}-*" for kind in ("backups", "copies"))
_SNAPSHOTS, _CACHE_SNAPSHOTS = NAMED["rds", "cluster-snapshot"], NAMED["elasticache", "snapshot"]
_DATABASE, _TABLES = at("rds", f"cluster:{NAME}"), NAMED["dynamodb", "table"]
_SERVICES = tuple(
    f"{service}.*.amazonaws.com" for service in ("dynamodb", "elasticache", "rds", "s3", "secretsmanager")
)

_SCOPES = (
    scope(
        "Look",
        (
            "dynamodb:ListBackups",
            *of("elasticache", "DescribeReplicationGroups", "DescribeSnapshots"),
            *of("rds", "DescribeDBClusterSnapshots", "DescribeDBClusters"),
            "s3:ListAllMyBuckets",
        ),
    ),
    scope("Cluster", of("eks", "DescribeCluster"), NAMED["eks", "cluster"]),
    scope("Sets", of("s3", "ListBucket", "ListBucketVersions"), _BUCKETS),
    scope(
        "ObjectsOfSets",
        of(
            "s3",
            "AbortMultipartUpload",
            "DeleteObject",
            "DeleteObjectVersion",
            "GetObject",
            "GetObjectRetention",
            "GetObjectVersion",
            "PutObject",
        ),
        (f"{bucket}/*" for bucket in _BUCKETS),
    ),
    scope("Transfers", of("s3", "GetBucketAcl", "GetBucketLocation", "ListBucket"), _TRANSFERS),
    scope(
        "ObjectsOfTransfers",
        of("s3", "AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject", "PutObjectAcl"),
        (f"{bucket}/*" for bucket in _TRANSFERS),
    ),
    scope(
        "Snapshots",
        of("rds", "CopyDBClusterSnapshot", "CreateDBClusterSnapshot"),
        (*_SNAPSHOTS, *_DATABASE),
    ),
    scope(
        "TagsOfSnapshots",
        of("rds", "AddTagsToResource", "DeleteDBClusterSnapshot", "ListTagsForResource"),
        _SNAPSHOTS,
    ),
    scope(
        "Tables",
        of(
            "dynamodb",
            "CreateBackup",
            "DescribeContinuousBackups",
            "DescribeTable",
            "DescribeTimeToLive",
            "ExportTableToPointInTime",
            "ListTagsOfResource",
        ),
        _TABLES,
    ),
    scope(
        "BackupsOfTables",
        of("dynamodb", "DeleteBackup", "DescribeBackup"),
        NAMED["dynamodb", "backup"],
    ),
    scope("ExportsOfTables", of("dynamodb", "DescribeExport"), NAMED["dynamodb", "export"]),
    scope(
        "CacheSnapshots",
        of("elasticache", "CopySnapshot", "CreateSnapshot"),
        (*_CACHE_SNAPSHOTS, *at("elasticache", f"replicationgroup:{NAME}")),
    ),
    scope(
        "TagsOfCacheSnapshots",
        of("elasticache", "AddTagsToResource", "DeleteSnapshot", "ListTagsForResource"),
        _CACHE_SNAPSHOTS,
    ),
    scope(
        "KeysThroughServices",
        of("kms", "CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"),
        TAGGED["kms", "key"],
        StringEquals=IS_OURS,
        StringLike={"kms:ViaService": list(_SERVICES)},
    ),
    scope("Signatures", of("kms", "Sign", "Verify"), TAGGED["kms", "key"], StringEquals=IS_OURS),
    scope(
        "MasterSecret",
        of("secretsmanager", "GetSecretValue"),
        (MASTER_SECRETS,),
        StringLike={MASTER_SECRET_TAG: list(_DATABASE)},
    ),
)

BACKUP: Mapping[str, tuple[Scope, ...]] = {"backup": _SCOPES}
