"""What drills may do: read the environment's backups, and make, change and delete what bears a drill's name or tags.

Attached beside the read-only policies. Nothing here can change or delete what is live: that is told by names alone, which an
environment's own resources never begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tools.iam import beside
from tools.iam.scopes import IS_OURS, NAME

Statement = dict[str, Any]

DRILLS = "ilsdrill-${ENVIRONMENT}-*"
"""As `ils_pipelines.operations.restore.place` names them."""
_TAGS = {"environment": "${ENVIRONMENT}", "project": "ils-drill"}
_BECOMES_A_DRILLS = {f"aws:RequestTag/{key}": value for key, value in _TAGS.items()}
_IS_A_DRILLS = {f"aws:ResourceTag/{key}": value for key, value in _TAGS.items()}
_BUCKETS = "arn:${PARTITION}:s3:::" + NAME + "-*"


def _at(service: str, *names: str) -> list[str]:
    return [f"arn:${{PARTITION}}:{service}:*:${{ACCOUNT_ID}}:{name}" for name in names]


def _allow(
    sid: str, actions: Iterable[str], resources: list[str], equals: Mapping[str, str] | None = None, **more: Any
) -> Statement:
    found: Statement = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
    if equals or more:
        found["Condition"] = {**({"StringEquals": dict(equals)} if equals else {}), **more}
    return found


def _of(service: str, *operations: str) -> list[str]:
    return [f"{service}:{operation}" for operation in operations]


STATEMENTS: tuple[Statement, ...] = (
    _allow(
        "Databases",
        _of(
            "rds",
            "AddTagsToResource",
            "CopyDBClusterSnapshot",
            "CreateDBClusterParameterGroup",
            "CreateDBInstance",
            "CreateDBSubnetGroup",
            "DeleteDBCluster",
            "DeleteDBClusterParameterGroup",
            "DeleteDBClusterSnapshot",
            "DeleteDBInstance",
            "DeleteDBSubnetGroup",
            "ModifyDBCluster",
            "ModifyDBClusterParameterGroup",
            "RestoreDBClusterFromSnapshot",
            "RestoreDBClusterToPointInTime",
        ),
        _at("rds", *(f"{kind}:{DRILLS}" for kind in ("cluster", "cluster-pg", "cluster-snapshot", "db", "subgrp"))),
    ),
    _allow(
        "DatabaseBackups",
        _of("rds", "CopyDBClusterSnapshot", "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime"),
        _at("rds", f"cluster-snapshot:{NAME}-*", f"cluster-pg:{NAME}-*", f"subgrp:{NAME}"),
    ),
    _allow(
        "NetworkMake",
        _of("ec2", "CreateSecurityGroup", "CreateSubnet", "CreateVpc"),
        _at("ec2", "security-group/*", "subnet/*", "vpc/*"),
        _BECOMES_A_DRILLS,
    ),
    # A group and a subnet are made inside a network: the environment's own, or a drill's.
    _allow("NetworkInside", _of("ec2", "CreateSecurityGroup"), _at("ec2", "vpc/*"), IS_OURS),
    _allow("NetworkInsideDrills", _of("ec2", "CreateSecurityGroup", "CreateSubnet"), _at("ec2", "vpc/*"), _IS_A_DRILLS),
    _allow(
        "NetworkTag",
        _of("ec2", "CreateTags"),
        _at("ec2", "*/*"),
        _BECOMES_A_DRILLS,
        Null={"ec2:CreateAction": "false"},
    ),
    _allow(
        "NetworkOfDrills",
        _of(
            "ec2",
            "AuthorizeSecurityGroupIngress",
            "DeleteSecurityGroup",
            "DeleteSubnet",
            "DeleteVpc",
            "RevokeSecurityGroupEgress",
        ),
        _at("ec2", "security-group/*", "subnet/*", "vpc/*"),
        _IS_A_DRILLS,
    ),
    _allow(
        "Keys",
        _of("kms", "CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey", "Verify"),
        _at("kms", "key/*"),
        IS_OURS,
    ),
    _allow("Sets", _of("s3", "GetObject", "GetObjectVersion"), [f"{_BUCKETS}/*"]),
    _allow("ListSets", _of("s3", "ListBucket", "ListBucketVersions"), [_BUCKETS]),
    # Evidence, locked like the sets; the sets themselves are not a drill's to write.
    _allow("Evidence", _of("s3", "PutObject"), [f"{_BUCKETS}/drills/*", f"{_BUCKETS}/restorable/*"]),
    _allow(
        "Passwords",
        _of("secretsmanager", "CreateSecret", "RotateSecret", "TagResource"),
        [beside.MASTER_SECRETS],
    ),
    _allow(
        "OpenPasswords",
        _of("secretsmanager", "GetSecretValue"),
        [beside.MASTER_SECRETS],
        StringLike={beside.MASTER_SECRET_TAG: _at("rds", f"cluster:{DRILLS}")},
    ),
    _allow("ListSnapshots", _of("rds", "DescribeDBClusterSnapshots"), ["*"]),
)

STORE_STATEMENTS: tuple[Statement, ...] = (
    _allow(
        "Caches",
        _of(
            "elasticache",
            "AddTagsToResource",
            "CreateCacheParameterGroup",
            "CreateCacheSubnetGroup",
            "CreateReplicationGroup",
            "DeleteCacheParameterGroup",
            "DeleteCacheSubnetGroup",
            "DeleteReplicationGroup",
            "ModifyCacheParameterGroup",
        ),
        _at("elasticache", *(f"{kind}:{DRILLS}" for kind in ("parametergroup", "replicationgroup", "subnetgroup"))),
    ),
    _allow(
        "CacheBackups",
        _of("elasticache", "CreateReplicationGroup"),
        _at("elasticache", f"snapshot:{NAME}-*", f"parametergroup:{NAME}-*", f"subnetgroup:{NAME}"),
    ),
    _allow(
        "Tables",
        _of(
            "dynamodb",
            "BatchWriteItem",
            "DeleteItem",
            "DeleteTable",
            "GetItem",
            "ImportTable",
            "PutItem",
            "Query",
            "RestoreTableFromBackup",
            "Scan",
            "TagResource",
            "UpdateContinuousBackups",
            "UpdateItem",
            "UpdateTable",
            "UpdateTimeToLive",
        ),
        _at("dynamodb", f"table/{DRILLS}"),
    ),
    _allow("TableImports", _of("dynamodb", "DescribeImport"), _at("dynamodb", f"table/{DRILLS}/import/*")),
    _allow("ListTableImports", _of("dynamodb", "ListImports"), ["*"]),
    # DynamoDB says there what it could not import, as whoever asked it to.
    _allow(
        "LogsOfTableImports",
        _of(
            "logs",
            "CreateLogGroup",
            "CreateLogStream",
            "DescribeLogGroups",
            "DescribeLogStreams",
            "PutLogEvents",
            "PutRetentionPolicy",
        ),
        _at("logs", "log-group:/aws-dynamodb/*"),
    ),
    _allow("TableBackups", _of("dynamodb", "RestoreTableFromBackup"), _at("dynamodb", f"table/{NAME}-*/backup/*")),
    # The file that a cache is made of is put where ElastiCache may read it.
    _allow(
        "Transfers",
        _of(
            "s3",
            "AbortMultipartUpload",
            "DeleteObject",
            "GetObject",
            "GetObjectTagging",
            "PutObject",
            "PutObjectTagging",
        ),
        [f"arn:${{PARTITION}}:s3:::{NAME}-transfers-*/{DRILLS}"],
    ),
    _allow(
        "CacheTags",
        _of("elasticache", "ListTagsForResource"),
        _at("elasticache", *(f"{kind}:{DRILLS}" for kind in ("parametergroup", "replicationgroup", "subnetgroup"))),
    ),
    _allow(
        "LookAtDrills",
        _of("dynamodb", "DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"),
        _at("dynamodb", f"table/{DRILLS}"),
    ),
    _allow("ListTables", _of("dynamodb", "ListTables"), ["*"]),
)
"""Beside these, what restores tables and caches."""

_MADE_FOR_CLUSTERS = ("internet-gateway", "launch-template", "route-table")

CLUSTER_STATEMENTS: tuple[Statement, ...] = (
    _allow(
        "Clusters",
        _of("eks", "CreateCluster", "CreateNodegroup", "DeleteCluster", "TagResource"),
        _at("eks", f"cluster/{DRILLS}"),
    ),
    _allow("Nodes", _of("eks", "DeleteNodegroup", "TagResource"), _at("eks", f"nodegroup/{DRILLS}/*/*")),
    _allow(
        "LookAtClusters",
        _of("eks", "DescribeCluster", "DescribeNodegroup", "ListNodegroups"),
        _at("eks", f"cluster/{DRILLS}", f"nodegroup/{DRILLS}/*/*"),
    ),
    _allow("ListClusters", _of("eks", "ListClusters"), ["*"]),
    # The environment's own two: EKS refuses roles from whoever may not pass them.
    _allow(
        "RolesOfClusters",
        ["iam:PassRole"],
        [f"arn:${{PARTITION}}:iam::${{ACCOUNT_ID}}:role/{NAME}-{role}" for role in ("control-plane", "nodes")],
        {"iam:PassedToService": "eks.amazonaws.com"},
    ),
    # And launch templates from whoever may not start instances with them. Asked for of the template, which has to be a
    # drill's, and of everything that an instance consists of.
    _allow("StartNodes", ["ec2:RunInstances"], _at("ec2", "launch-template/*"), _IS_A_DRILLS),
    _allow(
        "StartNodesFromTemplates",
        ["ec2:RunInstances"],
        [
            *_at(
                "ec2",
                *(f"{kind}/*" for kind in ("instance", "network-interface", "security-group", "subnet", "volume")),
            ),
            "arn:${PARTITION}:ec2:*::image/*",
            "arn:${PARTITION}:ec2:*::snapshot/*",
        ],
        ArnLike={"ec2:LaunchTemplate": _at("ec2", "launch-template/*")},
    ),
    _allow(
        "Make",
        _of("ec2", "CreateInternetGateway", "CreateLaunchTemplate", "CreateRouteTable"),
        _at("ec2", *(f"{kind}/*" for kind in _MADE_FOR_CLUSTERS)),
        _BECOMES_A_DRILLS,
    ),
    _allow(
        "OfDrills",
        _of(
            "ec2",
            "AssociateRouteTable",
            "AttachInternetGateway",
            "CreateRoute",
            "CreateRouteTable",
            "DeleteInternetGateway",
            "DeleteLaunchTemplate",
            "DeleteRouteTable",
            "DetachInternetGateway",
            "DisassociateRouteTable",
            "ModifySubnetAttribute",
            "ModifyVpcAttribute",
        ),
        _at("ec2", *(f"{kind}/*" for kind in (*_MADE_FOR_CLUSTERS, "subnet", "vpc"))),
        _IS_A_DRILLS,
    ),
)
"""Beside these, what makes a cluster anew."""


def _policy(statements: Iterable[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


DRILL: Mapping[str, dict[str, Any]] = {
    "drill": _policy(STATEMENTS),
    "drill-stores": _policy(STORE_STATEMENTS),
    "drill-cluster": _policy(CLUSTER_STATEMENTS),
}
