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
        # Before an upgrade; no recorded life has one.
        "ListAddons",
        "ListAssociatedAccessPolicies",
        "ListInsights",
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
    "eks": ("TagResource", "UntagResource"),
    "elasticache": ("AddTagsToResource", "RemoveTagsFromResource"),
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
    "kms": ("PutKeyPolicy", "TagResource", "UntagResource"),
    "logs": ("TagResource", "UntagResource"),
    # The last snapshot is made by the call that deletes, and allowed as if it were one of its own.
    "rds": ("AddTagsToResource", "CreateDBClusterSnapshot", "RemoveTagsFromResource"),
    "s3": ("PutBucketTagging",),
    # A rotation moves the mark of the version in force; no recorded life has one.
    "secretsmanager": ("TagResource", "UntagResource", "UpdateSecretVersionStage"),
    "dynamodb": ("TagResource", "UntagResource"),
    "xray": ("TagResource", "UntagResource"),
}

NOT_GRANTED: Mapping[str, str] = {
    "acm:ImportCertificate": "The programs request certificates, they import none.",
    "iam:DeleteRolePermissionsBoundary": "Where an administrator bounds the roles, the bound is not the deployer's to lift.",
    "iam:PutRolePermissionsBoundary": "Likewise.",
}
"""What the sandbox's provider can do and no program asks for, with the reason why it stays out."""

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
