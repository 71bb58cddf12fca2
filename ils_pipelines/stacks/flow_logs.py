"""The record of accepted and rejected connections of a VPC."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.settings.encryption import Encryption
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.keys import EncryptionKey, EncryptionKeyArgs, current_account_id
from ils_pipelines.stacks.naming import Naming


@dataclass(frozen=True)
class VpcFlowLogsArgs:
    """What the record needs."""

    naming: Naming
    account: AwsAccount
    encryption: Encryption
    retention_days: int
    vpc_id: pulumi.Output[str]


class VpcFlowLogs(pulumi.ComponentResource):
    """Flow log, its log group and the role that writes into it.

    It has a key of its own instead of the encryption layer's, so that the vpc layer builds on no other: NAT gateways
    are on the critical path of a new environment.
    """

    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: VpcFlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:vpc:FlowLogs", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        full_name = args.naming.name("flow-logs")
        group_name = f"/{args.naming.name()}/flow-logs"
        key = EncryptionKey(
            "flow-logs",
            EncryptionKeyArgs(
                naming=args.naming,
                account=args.account,
                encryption=args.encryption,
                account_id=current_account_id(),
                purpose="flow-logs",
                description=f"Flow logs of {args.naming.name()}",
                statements=lambda account_id: (
                    policies.used_by_log_groups(args.account.partition, account_id, args.account.region, group_name),
                ),
            ),
            opts=inside,
        )
        group = aws.cloudwatch.LogGroup(
            "flow-logs",
            name=group_name,
            retention_in_days=args.retention_days,
            kms_key_id=key.arn,
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        role = aws.iam.Role(
            "flow-logs",
            name=full_name,
            description="Lets VPC flow logs write into their log group",
            assume_role_policy=policies.assumable_by("vpc-flow-logs.amazonaws.com"),
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        permission = aws.iam.RolePolicy(
            "flow-logs",
            name="write-flow-logs",
            role=role.name,
            policy=group.arn.apply(_may_write),
            opts=inside,
        )
        aws.ec2.FlowLog(
            "flow-logs",
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=600,
            tags=args.naming.tags(full_name),
            # Until the role may write, the first records are lost and the flow log shows an access error.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.log_group_name = group.name
        self.register_outputs({"log_group_name": self.log_group_name})


def _may_write(log_group_arn: str) -> str:
    group = log_group_arn.removesuffix(":*")
    return policies.document(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": [group, f"{group}:*"],
        },
        # Describing takes no narrower resource.
        {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
    )
