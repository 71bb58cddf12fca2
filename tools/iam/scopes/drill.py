"""What drills may do, and where: read the environment's backups; make, change and delete what bears a drill's name or tags.

Attached beside the read-only policies. Nothing here can change or delete what is live: that is told by names alone, which an
environment's own resources never begin with.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.iam import beside
from tools.iam.scopes.names import IS_OURS, NAME
from tools.iam.scopes.scope import Scope, at, of, scope

DRILLS = "ilsdrill-${ENVIRONMENT}-*"
"""As `ils_pipelines.operations.restore.place` names them."""
_TAGS = {"environment": "${ENVIRONMENT}", "project": "ils-drill"}
_BECOMES_A_DRILLS = {f"aws:RequestTag/{key}": value for key, value in _TAGS.items()}
_IS_A_DRILLS = {f"aws:ResourceTag/{key}": value for key, value in _TAGS.items()}
_BUCKETS = "arn:${PARTITION}:s3:::" + NAME + "-*"

_MAIN = (
    scope(
        "Databases",
        of(
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
        at("rds", *(f"{kind}:{DRILLS}" for kind in ("cluster", "cluster-pg", "cluster-snapshot", "db", "subgrp"))),
    ),
    scope(
        "DatabaseTags",
        of("rds", "ListTagsForResource"),
        at("rds", *(f"{kind}:{DRILLS}" for kind in ("cluster-pg", "subgrp"))),
    ),
    scope(
        "DatabaseBackups",
        of("rds", "CopyDBClusterSnapshot", "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime"),
        at("rds", f"cluster-snapshot:{NAME}-*", f"cluster-pg:{NAME}-*", f"subgrp:{NAME}"),
    ),
    scope(
        "DatabaseDefaults",
        of("rds", "CreateDBInstance", "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime"),
        beside.DATABASE_DEFAULTS,
    ),
    scope(
        "NetworkMake",
        of("ec2", "CreateSecurityGroup", "CreateSubnet", "CreateVpc"),
        at("ec2", "security-group/*", "subnet/*", "vpc/*"),
        StringEquals=_BECOMES_A_DRILLS,
    ),
    # A rule that is made with tags is a thing of its own, beside the group that it is made in.
    scope(
        "NetworkMakeRules",
        of("ec2", "AuthorizeSecurityGroupIngress"),
        at("ec2", "security-group-rule/*"),
        StringEquals=_BECOMES_A_DRILLS,
    ),
    # A group and a subnet are made inside a network: the environment's own, or a drill's.
    scope("NetworkInside", of("ec2", "CreateSecurityGroup"), at("ec2", "vpc/*"), StringEquals=IS_OURS),
    scope(
        "NetworkInsideDrills",
        of("ec2", "CreateSecurityGroup", "CreateSubnet"),
        at("ec2", "vpc/*"),
        StringEquals=_IS_A_DRILLS,
    ),
    scope(
        "NetworkTag",
        of("ec2", "CreateTags"),
        at("ec2", "*/*"),
        StringEquals=_BECOMES_A_DRILLS,
        Null={"ec2:CreateAction": "false"},
    ),
    scope(
        "NetworkOfDrills",
        of(
            "ec2",
            "AuthorizeSecurityGroupIngress",
            "DeleteSecurityGroup",
            "DeleteSubnet",
            "DeleteVpc",
            "RevokeSecurityGroupEgress",
        ),
        at("ec2", "security-group/*", "subnet/*", "vpc/*"),
        StringEquals=_IS_A_DRILLS,
    ),
    scope(
        "Keys",
        of("kms", "CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey", "Verify"),
        at("kms", "key/*"),
        StringEquals=IS_OURS,
    ),
    scope("Sets", of("s3", "GetObject", "GetObjectVersion"), [f"{_BUCKETS}/*"]),
    scope("ListSets", of("s3", "ListBucket", "ListBucketVersions"), [_BUCKETS]),
    # Evidence, locked like the sets; the sets themselves are not a drill's to write.
    scope("Evidence", of("s3", "PutObject"), [f"{_BUCKETS}/drills/*", f"{_BUCKETS}/restorable/*"]),
    scope(
        "Passwords",
        of("secretsmanager", "CreateSecret", "RotateSecret", "TagResource"),
        [beside.MASTER_SECRETS],
    ),
    scope(
        "OpenPasswords",
        of("secretsmanager", "GetSecretValue"),
        [beside.MASTER_SECRETS],
        StringLike={beside.MASTER_SECRET_TAG: at("rds", f"cluster:{DRILLS}")},
    ),
    scope("ListSnapshots", of("rds", "DescribeDBClusterSnapshots"), ["*"]),
)

_STORES = (
    scope(
        "Caches",
        of(
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
        at("elasticache", *(f"{kind}:{DRILLS}" for kind in ("parametergroup", "replicationgroup", "subnetgroup"))),
    ),
    scope(
        "CacheBackups",
        of("elasticache", "CreateReplicationGroup"),
        at("elasticache", f"snapshot:{NAME}-*", f"parametergroup:{NAME}-*", f"subnetgroup:{NAME}"),
    ),
    scope(
        "Tables",
        of(
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
        at("dynamodb", f"table/{DRILLS}"),
    ),
    scope("TableImports", of("dynamodb", "DescribeImport"), at("dynamodb", f"table/{DRILLS}/import/*")),
    scope("ListTableImports", of("dynamodb", "ListImports"), ["*"]),
    scope("LogsOfTableImports", beside.IMPORT_LOGS, (beside.IMPORT_LOG_GROUPS,)),
    scope("TableBackups", of("dynamodb", "RestoreTableFromBackup"), at("dynamodb", f"table/{NAME}-*/backup/*")),
    # The file that a cache is made of is put where ElastiCache may read it.
    scope(
        "Transfers",
        of(
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
    scope(
        "CacheTags",
        of("elasticache", "ListTagsForResource"),
        at("elasticache", *(f"{kind}:{DRILLS}" for kind in ("parametergroup", "replicationgroup", "subnetgroup"))),
    ),
    scope(
        "LookAtDrills",
        of("dynamodb", "DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"),
        at("dynamodb", f"table/{DRILLS}"),
    ),
    scope("ListTables", of("dynamodb", "ListTables"), ["*"]),
)
"""Beside these, what restores tables and caches."""

_MADE_FOR_CLUSTERS = ("internet-gateway", "launch-template", "route-table")

_CLUSTERS = (
    scope(
        "Clusters",
        of("eks", "CreateCluster", "CreateNodegroup", "DeleteCluster", "TagResource"),
        at("eks", f"cluster/{DRILLS}"),
    ),
    scope("Nodes", of("eks", "DeleteNodegroup", "TagResource"), at("eks", f"nodegroup/{DRILLS}/*/*")),
    scope(
        "LookAtClusters",
        of("eks", "DescribeCluster", "DescribeNodegroup", "ListNodegroups"),
        at("eks", f"cluster/{DRILLS}", f"nodegroup/{DRILLS}/*/*"),
    ),
    scope("ListClusters", of("eks", "ListClusters"), ["*"]),
    # The environment's own two: EKS refuses roles from whoever may not pass them.
    scope(
        "RolesOfClusters",
        ["iam:PassRole"],
        [f"arn:${{PARTITION}}:iam::${{ACCOUNT_ID}}:role/{NAME}-{role}" for role in ("control-plane", "nodes")],
        StringEquals={"iam:PassedToService": "eks.amazonaws.com"},
    ),
    # And launch templates from whoever may not start instances with them. Asked for of the template, which has to be a
    # drill's, and of everything that an instance consists of.
    scope("StartNodes", ["ec2:RunInstances"], at("ec2", "launch-template/*"), StringEquals=_IS_A_DRILLS),
    scope(
        "StartNodesFromTemplates",
        ["ec2:RunInstances"],
        [
            *at(
                "ec2",
                *(f"{kind}/*" for kind in ("instance", "network-interface", "security-group", "subnet", "volume")),
            ),
            "arn:${PARTITION}:ec2:*::image/*",
            "arn:${PARTITION}:ec2:*::snapshot/*",
        ],
        ArnLike={"ec2:LaunchTemplate": at("ec2", "launch-template/*")},
    ),
    scope(
        "Make",
        of("ec2", "CreateInternetGateway", "CreateLaunchTemplate", "CreateRouteTable"),
        at("ec2", *(f"{kind}/*" for kind in _MADE_FOR_CLUSTERS)),
        StringEquals=_BECOMES_A_DRILLS,
    ),
    scope(
        "OfDrills",
        of(
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
        at("ec2", *(f"{kind}/*" for kind in (*_MADE_FOR_CLUSTERS, "subnet", "vpc"))),
        StringEquals=_IS_A_DRILLS,
    ),
)
"""Beside these, what makes a cluster anew."""

DRILL: Mapping[str, tuple[Scope, ...]] = {"drill": _MAIN, "drill-stores": _STORES, "drill-cluster": _CLUSTERS}
"""By policy: one alone would be too long."""
