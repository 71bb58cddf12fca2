"""The parts of pulumi_aws that the programs use, completely loaded.

pulumi_aws loads its parts when they are first touched, and not in a way that two threads may do at once: programs of layers
that are applied in parallel found parts half loaded. The import lock of this module makes the others wait.
"""

from __future__ import annotations

from pulumi_aws import (
    Provider,
    ProviderAssumeRoleArgs,
    acm,
    amp,
    backup,
    cloudwatch,
    dynamodb,
    ec2,
    eks,
    elasticache,
    get_caller_identity_output,
    iam,
    kms,
    lb,
    rds,
    s3,
    secretsmanager,
    sns,
    vpc,
    xray,
)

__all__ = [
    "Provider",
    "ProviderAssumeRoleArgs",
    "acm",
    "amp",
    "backup",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "eks",
    "elasticache",
    "get_caller_identity_output",
    "iam",
    "kms",
    "lb",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "vpc",
    "xray",
]

for _name in __all__:
    hasattr(globals()[_name], "loaded")  # asking for anything loads the part
