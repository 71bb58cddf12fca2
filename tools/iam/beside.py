"""What accounts ask for and no recording at the sandbox shows. Each row says why it is needed.

The sandbox has a provider of its own, which makes only the calls that it needs. Pulumi's AWS provider
(hashicorp/terraform-provider-aws underneath) reads every attribute of a resource type after each change, used or not, and
fails when one of those reads is denied. Services act with roles and keys that they are handed, which no call shows.
"""

from __future__ import annotations

from collections.abc import Mapping

PROVIDER_READS: Mapping[str, tuple[str, ...]] = {
    "acm": ("DescribeCertificate", "ListTagsForCertificate"),
    "backup": (
        "DescribeBackupVault",
        "GetBackupPlan",
        "GetBackupSelection",
        "GetBackupVaultAccessPolicy",
        "ListTags",
    ),
    # The measures are what the checks between the steps of a canary look at: no recorded life has one.
    "cloudwatch": ("DescribeAlarms", "GetDashboard", "GetMetricData", "ListTagsForResource"),
    "dynamodb": ("DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"),
    "ec2": (
        "DescribeAccountAttributes",
        "DescribeAddresses",
        "DescribeAddressesAttribute",
        "DescribeAvailabilityZones",
        "DescribeFlowLogs",
        "DescribeInternetGateways",
        "DescribeLaunchTemplateVersions",
        "DescribeLaunchTemplates",
        "DescribeNatGateways",
        "DescribeNetworkAcls",
        "DescribeNetworkInterfaces",
        "DescribePrefixLists",
        "DescribeRegions",
        "DescribeRouteTables",
        "DescribeSecurityGroupRules",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeTags",
        "DescribeVpcAttribute",
        "DescribeVpcEndpoints",
        "DescribeVpcs",
    ),
    "eks": (
        "DescribeAccessEntry",
        "DescribeAddon",
        "DescribeAddonVersions",
        "DescribeCluster",
        "DescribeClusterVersions",
        "DescribeNodegroup",
        "DescribePodIdentityAssociation",
        "DescribeUpdate",
        "ListAssociatedAccessPolicies",
        "ListTagsForResource",
    ),
    "elasticache": (
        "DescribeCacheClusters",
        "DescribeCacheParameterGroups",
        "DescribeCacheParameters",
        "DescribeCacheSubnetGroups",
        "DescribeReplicationGroups",
        "ListTagsForResource",
    ),
    "elasticloadbalancing": (
        "DescribeCapacityReservation",
        "DescribeListenerAttributes",
        "DescribeListenerCertificates",
        "DescribeListeners",
        "DescribeLoadBalancerAttributes",
        "DescribeLoadBalancers",
        "DescribeRules",
        "DescribeTags",
        "DescribeTargetGroupAttributes",
        "DescribeTargetGroups",
        "DescribeTargetHealth",
        "GetLoadBalancerWebACL",
    ),
    "iam": (
        "GetOpenIDConnectProvider",
        "GetRole",
        "GetRolePolicy",
        "ListAttachedRolePolicies",
        "ListInstanceProfilesForRole",
        "ListRolePolicies",
    ),
    "kms": ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "ListResourceTags"),
    "logs": ("DescribeLogGroups", "ListTagsForResource"),
    "rds": (
        "DescribeDBClusterParameterGroups",
        "DescribeDBClusterParameters",
        "DescribeDBClusters",
        "DescribeDBEngineVersions",
        "DescribeDBInstances",
        "DescribeDBMajorEngineVersions",
        "DescribeDBSubnetGroups",
        "DescribeGlobalClusters",
        "DescribeOrderableDBInstanceOptions",
        "ListTagsForResource",
    ),
    "route53": ("GetChange", "GetHostedZone", "ListHostedZones", "ListResourceRecordSets", "ListTagsForResource"),
    "s3": (
        "GetAccelerateConfiguration",
        "GetBucketAcl",
        "GetBucketCORS",
        "GetBucketLocation",
        "GetBucketLogging",
        "GetBucketObjectLockConfiguration",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketPublicAccessBlock",
        "GetBucketRequestPayment",
        "GetBucketTagging",
        "GetBucketVersioning",
        "GetBucketWebsite",
        "GetEncryptionConfiguration",
        "GetLifecycleConfiguration",
        "GetReplicationConfiguration",
        "ListBucket",
    ),
    "secretsmanager": ("DescribeSecret", "GetResourcePolicy", "GetSecretValue", "ListSecretVersionIds"),
    "sns": ("GetSubscriptionAttributes", "GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource"),
    "ssm": ("GetParameter",),
    "wafv2": ("GetWebACL", "GetWebACLForResource"),
    "xray": ("GetGroup", "GetSamplingRules", "ListTagsForResource"),
}

PROVIDER_WRITES: Mapping[str, tuple[str, ...]] = {
    # Tags of what is there are changed by calls of their own; those that are given at its making are checked as calls too.
    "acm": ("AddTagsToCertificate", "RemoveTagsFromCertificate"),
    "ec2": ("CreateTags", "DeleteTags"),
    # A vault is made by whoever may hand it what it keeps its contents under.
    "backup-storage": ("MountCapsule",),
    "eks": ("TagResource", "UntagResource"),
    # The last snapshot is made by the call that deletes, and allowed as if it were one of its own.
    "elasticache": ("AddTagsToResource", "CreateSnapshot", "RemoveTagsFromResource"),
    "elasticloadbalancing": (
        "AddTags",
        # Asked for by WAF when a web ACL is put before a load balancer.
        "CreateWebACLAssociation",
        "DeleteWebACLAssociation",
        "RemoveTags",
        "SetSecurityGroups",
        "SetSubnets",
        "SetWebAcl",
    ),
    "iam": ("TagOpenIDConnectProvider", "TagRole", "UntagOpenIDConnectProvider", "UntagRole"),
    "kms": ("PutKeyPolicy", "RetireGrant", "TagResource", "UntagResource"),
    "logs": ("TagResource", "UntagResource"),
    # Likewise the last snapshot of a database.
    "rds": ("AddTagsToResource", "CreateDBClusterSnapshot", "RemoveTagsFromResource"),
    "s3": ("PutBucketTagging",),
    # A rotation moves the mark of the version in force; no recorded life has one.
    "secretsmanager": ("TagResource", "UntagResource", "UpdateSecretVersionStage"),
    # DynamoDB asks whoever restores a table for all that reads and writes it.
    "dynamodb": (
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TagResource",
        "UntagResource",
        "UpdateItem",
    ),
    "xray": ("TagResource", "UntagResource"),
}

NOT_GRANTED: Mapping[str, str] = {
    "acm:ImportCertificate": "The programs request certificates, they import none.",
    "iam:DeleteRolePermissionsBoundary": "Where an administrator bounds the roles, the bound is not the deployer's to lift.",
    "iam:PutRolePermissionsBoundary": "Likewise.",
}
"""What the sandbox's provider can do and no program asks for, with the reason why it stays out."""

CONTENTS = frozenset({"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "s3:GetObject", "s3:GetObjectVersion"})
"""Reads that show what data there are. Whoever restores for real needs them; nobody does to look at how things are."""

KEY_USES = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
"""Aurora, ElastiCache, DynamoDB, EKS, Secrets Manager and CloudWatch Logs take a key only from who may use it."""

PASSED_TO = (
    "backup.amazonaws.com",
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "s3.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)
"""Services that are handed a role of the environment."""

LINKED_SERVICES = (
    "autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "eks-nodegroup.amazonaws.com",
    "eks.amazonaws.com",
    "elasticache.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
    "spot.amazonaws.com",
)
"""Services that make their own role in an account when they are first used there."""

ATTACHED_POLICIES = (
    "AmazonEC2ContainerRegistry*",
    "AmazonEKS*",
    "AWSXrayWriteOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "service-role/AWSBackupServiceRolePolicyFor*",
    "service-role/AmazonEBSCSIDriverPolicy",
    "service-role/AmazonRDSEnhancedMonitoringRole",
)
"""Policies of AWS that may be attached to the environment's roles: without this bound, whoever may attach a policy and pass
the role may do anything."""

MASTER_SECRET_READS = ("DescribeSecret", "GetSecretValue")
MASTER_SECRET_TAG = "secretsmanager:ResourceTag/aws:rds:primaryDBClusterArn"  # noqa: S105 the name of a tag
"""RDS names the cluster in a tag."""
MASTER_SECRETS = "arn:${PARTITION}:secretsmanager:*:${ACCOUNT_ID}:secret:rds!cluster-*"
"""Secrets that RDS makes for the master user, under names of its own."""

_TAGGED = "what is made with tags is tagged by the call that makes it, which AWS allows as if it were a call of its own"
_KEYS = "services use the keys of what they keep, restore and copy as whoever asked them to"
_VERSIONS = "a version of an object is read and deleted by the calls that read and delete objects"
_GIVEN_UP = "an upload that fails midway is given up by the client; no recorded life has one"
_EXPORT = "ElastiCache looks, as whoever asks for an export, whether the bucket is his"
_TABLES = "DynamoDB asks whoever restores a table for all that reads and writes it"
_LOGS = "DynamoDB says there what it could not import, as whoever asked it to"
_NODES = "EKS takes roles from who may pass them, and launch templates from who may start instances with them"
_PASSWORDS = "RDS makes and rotates the secret of the master user as whoever makes the cluster"

IMPORT_LOGS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:PutRetentionPolicy",
)
"""DynamoDB says what it could not import as whoever asked it to, in groups of logs that it names itself."""
IMPORT_LOG_GROUPS = "arn:${PARTITION}:logs:*:${ACCOUNT_ID}:log-group:/aws-dynamodb/*"

DATABASE_DEFAULTS = tuple(
    f"arn:${{PARTITION}}:rds:*:${{ACCOUNT_ID}}:{kind}:default{mark}*" for kind, mark in (("og", ":"), ("pg", "."))
)
"""Groups of AWS's own that a cluster and its instances are in where a call names no other: RDS asks for them like for those
that are named (source: the identity-based policy examples of its user guide)."""

UNSEEN: Mapping[str, Mapping[str, str]] = {
    "backup": {
        "elasticache:AddTagsToResource": _TAGGED,
        "rds:AddTagsToResource": _TAGGED,
        "kms:CreateGrant": _KEYS,
        "kms:Decrypt": _KEYS,
        "kms:DescribeKey": _KEYS,
        "kms:GenerateDataKey": _KEYS,
        "s3:AbortMultipartUpload": _GIVEN_UP,
        "s3:DeleteObjectVersion": _VERSIONS,
        "s3:GetBucketAcl": _EXPORT,
        "s3:GetBucketLocation": _EXPORT,
        "s3:GetObjectRetention": "HeadObject says until when an object is locked only to whoever may ask that alone",
        "s3:GetObjectVersion": _VERSIONS,
        "s3:ListAllMyBuckets": _EXPORT,
        "s3:PutObjectAcl": _EXPORT,
    },
    "drill": {
        "dynamodb:BatchWriteItem": _TABLES,
        "dynamodb:Query": _TABLES,
        "dynamodb:UpdateItem": _TABLES,
        "ec2:CreateTags": _TAGGED,
        "ec2:RunInstances": _NODES,
        "eks:TagResource": _TAGGED,
        "elasticache:AddTagsToResource": _TAGGED,
        "iam:PassRole": _NODES,
        "kms:CreateGrant": _KEYS,
        "kms:DescribeKey": _KEYS,
        **dict.fromkeys(IMPORT_LOGS, _LOGS),
        "rds:AddTagsToResource": _TAGGED,
        "s3:AbortMultipartUpload": _GIVEN_UP,
        "s3:GetObjectVersion": _VERSIONS,
        "s3:PutObjectTagging": "an object is put with its tags by one call, and that is allowed as if it were two",
        "secretsmanager:CreateSecret": _PASSWORDS,
        "secretsmanager:RotateSecret": _PASSWORDS,
        "secretsmanager:TagResource": _PASSWORDS,
    },
}
"""By family, why an action is needed that no recording can show."""
