"""Which resources are an environment's: by their names, or by their tags where AWS makes up the name."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "ils-${ENVIRONMENT}"


def _regional(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:${{PARTITION}}:{service}:*:${{ACCOUNT_ID}}:{name}" for name in names)


def _global(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:${{PARTITION}}:{service}::${{ACCOUNT_ID}}:{name}" for name in names)


_LOG_GROUPS = (f"/{NAME}/", *(f"/aws/{kind}/{NAME}/" for kind in ("containerinsights", "eks", "rds/cluster")))

# What is restored for real is named after the environment, too: ils-ENVIRONMENT-NAME.
NAMED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("backup", "backupVault"): _regional("backup", f"backup-vault:{NAME}", f"backup-vault:{NAME}-*"),
    ("cloudwatch", "alarm"): _regional("cloudwatch", f"alarm:{NAME}-*"),
    ("cloudwatch", "dashboard"): _global("cloudwatch", f"dashboard/{NAME}", f"dashboard/{NAME}-*"),
    ("dynamodb", "backup"): _regional("dynamodb", f"table/{NAME}-*/backup/*"),
    ("dynamodb", "export"): _regional("dynamodb", f"table/{NAME}-*/export/*"),
    ("dynamodb", "import"): _regional("dynamodb", f"table/{NAME}-*/import/*"),
    ("dynamodb", "table"): _regional("dynamodb", f"table/{NAME}-*"),
    ("dynamodb", "index"): _regional("dynamodb", f"table/{NAME}-*/index/*"),
    ("eks", "access-entry"): _regional("eks", f"access-entry/{NAME}/*"),
    ("eks", "addon"): _regional("eks", f"addon/{NAME}/*"),
    ("eks", "cluster"): _regional("eks", f"cluster/{NAME}"),
    ("eks", "nodegroup"): _regional("eks", f"nodegroup/{NAME}/*"),
    ("eks", "podidentityassociation"): _regional("eks", f"podidentityassociation/{NAME}/*"),
    ("elasticache", "cluster"): _regional("elasticache", f"cluster:{NAME}-*"),
    ("elasticache", "parametergroup"): _regional("elasticache", f"parametergroup:{NAME}-*"),
    ("elasticache", "replicationgroup"): _regional(
        "elasticache", f"replicationgroup:{NAME}", f"replicationgroup:{NAME}-*"
    ),
    ("elasticache", "snapshot"): _regional("elasticache", f"snapshot:{NAME}-*"),
    ("elasticache", "subnetgroup"): _regional("elasticache", f"subnetgroup:{NAME}"),
    ("elasticloadbalancing", "listener/app"): _regional("elasticloadbalancing", f"listener/app/{NAME}/*"),
    ("elasticloadbalancing", "listener-rule/app"): _regional("elasticloadbalancing", f"listener-rule/app/{NAME}/*"),
    ("elasticloadbalancing", "loadbalancer/app/"): _regional("elasticloadbalancing", f"loadbalancer/app/{NAME}/*"),
    ("elasticloadbalancing", "targetgroup"): _regional("elasticloadbalancing", f"targetgroup/{NAME}-*"),
    ("iam", "oidc-provider"): _global("iam", "oidc-provider/oidc.eks.*"),
    ("iam", "policy"): _global("iam", f"policy/{NAME}-*"),
    ("iam", "server-certificate"): _global("iam", f"server-certificate/{NAME}-*"),
    ("iam", "role"): _global("iam", f"role/{NAME}-*"),
    ("kms", "alias"): _regional("kms", f"alias/{NAME}-*"),
    ("logs", "log-group"): _regional(
        "logs",
        *(f"log-group:{prefix}*" for prefix in _LOG_GROUPS),
    ),
    ("rds", "cluster"): _regional("rds", f"cluster:{NAME}", f"cluster:{NAME}-*"),
    ("rds", "cluster-pg"): _regional("rds", f"cluster-pg:{NAME}-*"),
    ("rds", "cluster-snapshot"): _regional("rds", f"cluster-snapshot:{NAME}-*"),
    ("rds", "db"): _regional("rds", f"db:{NAME}-*"),
    ("rds", "subgrp"): _regional("rds", f"subgrp:{NAME}"),
    ("route53", "hostedzone"): ("arn:${PARTITION}:route53:::hostedzone/${HOSTED_ZONE_ID}",),
    ("s3", "bucket"): (f"arn:${{PARTITION}}:s3:::{NAME}-*",),
    ("s3", "object"): (f"arn:${{PARTITION}}:s3:::{NAME}-*/*",),
    ("secretsmanager", "Secret"): _regional("secretsmanager", f"secret:{NAME}-*"),
    # AWS's own, in which EKS publishes the newest images of nodes.
    ("ssm", "parameter"): ("arn:${PARTITION}:ssm:*::parameter/aws/service/eks/optimized-ami/*",),
    ("sns", "topic"): _regional("sns", f"{NAME}-*"),
    ("wafv2", "loadbalancer/app/"): _regional("elasticloadbalancing", f"loadbalancer/app/{NAME}/*"),
    ("wafv2", "webacl"): _regional("wafv2", "*/webacl/*"),
    ("xray", "group"): _regional("xray", f"group/{NAME}/*"),
    ("xray", "sampling-rule"): _regional("xray", f"sampling-rule/{NAME}"),
}
"""Types of resources whose names the programs choose."""

TAGGED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("acm", "certificate"): _regional("acm", "certificate/*"),
    ("aps", "workspace"): _regional("aps", "workspace/*"),
    ("backup", "backupPlan"): _regional("backup", "backup-plan:*"),
    ("backup", "recoveryPoint"): _regional("backup", "recovery-point:*"),
    ("kms", "key"): _regional("kms", "key/*"),
    **{
        ("ec2", kind): _regional("ec2", f"{kind}/*")
        for kind in (
            "elastic-ip",
            "internet-gateway",
            "launch-template",
            "natgateway",
            "route-table",
            "security-group",
            "security-group-rule",
            "subnet",
            "vpc",
            "vpc-endpoint",
            "vpc-flow-log",
        )
    },
}
"""Types of resources that have only ids: the tags `environment` and `project` say whose they are."""

IS_OURS = {"aws:ResourceTag/environment": "${ENVIRONMENT}", "aws:ResourceTag/project": "ils"}
BECOMES_OURS = {"aws:RequestTag/environment": "${ENVIRONMENT}", "aws:RequestTag/project": "ils"}
