"""What pods may do in AWS, each no more than it needs."""

from __future__ import annotations

from collections.abc import Sequence

from ils_pipelines.settings.pod_identities import Statement
from ils_pipelines.stacks import policies


def application(table_arns: list[str], key_arn: str, region: str) -> str:
    """Items of the tables, by key; no scans, and nothing about the tables themselves."""
    return policies.document(
        {
            "Sid": "Items",
            "Effect": "Allow",
            "Action": [
                "dynamodb:BatchGetItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:DeleteItem",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            "Resource": [arn for table in table_arns for arn in (table, f"{table}/index/*")],
        },
        {
            "Sid": "KeyOfTheTables",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": f"dynamodb.{region}.amazonaws.com"}},
        },
    )


def as_written(statements: Sequence[Statement]) -> str:
    """What the environment's file allows."""
    return policies.document(
        *(
            {
                "Effect": "Allow",
                "Action": list(statement.actions),
                "Resource": list(statement.resources),
                **({"Condition": statement.conditions} if statement.conditions else {}),
            }
            for statement in statements
        )
    )


def node_scaling(cluster_name: str) -> str:
    """What the Cluster Autoscaler needs; EKS puts the tag on the Auto Scaling groups of its node groups."""
    return policies.document(
        {
            "Sid": "Look",
            "Effect": "Allow",
            "Action": [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
                "eks:DescribeNodegroup",
            ],
            "Resource": "*",  # nearly all of these take no other
        },
        {
            "Sid": "Scale",
            "Effect": "Allow",
            "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"},
            },
        },
    )


def target_registration(target_group_arns: list[str]) -> str:
    """What the AWS Load Balancer Controller needs for target group bindings alone."""
    return policies.document(
        {
            "Sid": "Look",
            "Effect": "Allow",
            "Action": [
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInstances",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetHealth",
            ],
            "Resource": "*",  # these take no other
        },
        {
            "Sid": "Register",
            "Effect": "Allow",
            "Action": ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
            "Resource": target_group_arns,
        },
    )


def backups(buckets: list[str], keys: list[str], aliases: list[str], services: list[str]) -> str:
    """Objects of backup sets, written and read, never deleted; the keys, known by their aliases, through S3 alone.

    Buckets and keys are of a layer that is made after this one: they are named, not asked for.
    """
    return policies.document(
        {
            "Sid": "BackupSets",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            "Resource": [f"{bucket}/*" for bucket in buckets],
        },
        {
            "Sid": "KeysOfBackups",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": keys,
            "Condition": {
                "StringEquals": {"kms:ViaService": services},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases},
            },
        },
    )
