"""Which resources are an environment's: by their names, or by their tags where AWS makes up the name."""

from __future__ import annotations

from collections.abc import Mapping

from tools.iam.scopes.scope import at

NAME = "ils-${ENVIRONMENT}"


def _global(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:${{PARTITION}}:{service}::${{ACCOUNT_ID}}:{name}" for name in names)


_LOG_GROUPS = (f"/{NAME}/", *(f"/aws/{kind}/{NAME}/" for kind in ("containerinsights", "eks", "rds/cluster")))

# What is restored for real is named after the environment, too: ils-ENVIRONMENT-NAME.
NAMED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("backup", "backupVault"): at("backup", f"backup-vault:{NAME}", f"backup-vault:{NAME}-*"),
    ("cloudwatch", "alarm"): at("cloudwatch", f"alarm:{NAME}-*"),
    ("cloudwatch", "dashboard"): _global("cloudwatch", f"dashboard/{NAME}", f"dashboard/{NAME}-*"),
    ("dynamodb", "backup"): at("dynamodb", f"table/{NAME}-*/backup/*"),
    ("dynamodb", "export"): at("dynamodb", f"table/{NAME}-*/export/*"),
    ("dynamodb", "import"): at("dynamodb", f"table/{NAME}-*/import/*"),
    ("dynamodb", "table"): at("dynamodb", f"table/{NAME}-*"),
    ("dynamodb", "index"): at("dynamodb", f"table/{NAME}-*/index/*"),
    ("eks", "access-entry"): at("eks", f"access-entry/{NAME}/*"),
    ("eks", "addon"): at("eks", f"addon/{NAME}/*"),
    ("eks", "cluster"): at("eks", f"cluster/{NAME}"),
    ("eks", "nodegroup"): at("eks", f"nodegroup/{NAME}/*"),
    ("eks", "podidentityassociation"): at("eks", f"podidentityassociation/{NAME}/*"),
    ("elasticache", "cluster"): at("elasticache", f"cluster:{NAME}-*"),
    ("elasticache", "parametergroup"): at("elasticache", f"parametergroup:{NAME}-*"),
    ("elasticache", "replicationgroup"): at("elasticache", f"replicationgroup:{NAME}", f"replicationgroup:{NAME}-*"),
    ("elasticache", "snapshot"): at("elasticache", f"snapshot:{NAME}-*"),
    ("elasticache", "subnetgroup"): at("elasticache", f"subnetgroup:{NAME}"),
    ("elasticloadbalancing", "listener/app"): at("elasticloadbalancing", f"listener/app/{NAME}/*"),
    ("elasticloadbalancing", "listener-rule/app"): at("elasticloadbalancing", f"listener-rule/app/{NAME}/*"),
    ("elasticloadbalancing", "loadbalancer/app/"): at("elasticloadbalancing", f"loadbalancer/app/{NAME}/*"),
    ("elasticloadbalancing", "targetgroup"): at("elasticloadbalancing", f"targetgroup/{NAME}-*"),
    ("iam", "oidc-provider"): _global("iam", "oidc-provider/oidc.eks.*"),
    ("iam", "policy"): _global("iam", f"policy/{NAME}-*"),
    ("iam", "server-certificate"): _global("iam", f"server-certificate/{NAME}-*"),
    ("iam", "role"): _global("iam", f"role/{NAME}-*"),
    ("kms", "alias"): at("kms", f"alias/{NAME}-*"),
    ("logs", "log-group"): at(
        "logs",
        *(f"log-group:{prefix}*" for prefix in _LOG_GROUPS),
    ),
    ("rds", "cluster"): at("rds", f"cluster:{NAME}", f"cluster:{NAME}-*"),
    ("rds", "cluster-pg"): at("rds", f"cluster-pg:{NAME}-*"),
    ("rds", "cluster-snapshot"): at("rds", f"cluster-snapshot:{NAME}-*"),
    ("rds", "db"): at("rds", f"db:{NAME}-*"),
    ("rds", "subgrp"): at("rds", f"subgrp:{NAME}"),
    ("route53", "hostedzone"): ("arn:${PARTITION}:route53:::hostedzone/${HOSTED_ZONE_ID}",),
    ("s3", "bucket"): (f"arn:${{PARTITION}}:s3:::{NAME}-*",),
    ("s3", "object"): (f"arn:${{PARTITION}}:s3:::{NAME}-*/*",),
    ("secretsmanager", "Secret"): at("secretsmanager", f"secret:{NAME}-*"),
    # AWS's own, in which EKS publishes the newest images of nodes.
    ("ssm", "parameter"): ("arn:${PARTITION}:ssm:*::parameter/aws/service/eks/optimized-ami/*",),
    ("sns", "topic"): at("sns", f"{NAME}-*"),
    ("wafv2", "loadbalancer/app/"): at("elasticloadbalancing", f"loadbalancer/app/{NAME}/*"),
    ("wafv2", "webacl"): at("wafv2", "*/webacl/*"),
    ("xray", "group"): at("xray", f"group/{NAME}/*"),
    ("xray", "sampling-rule"): at("xray", f"sampling-rule/{NAME}"),
}
"""Types of resources whose names the programs choose."""

TAGGED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("acm", "certificate"): at("acm", "certificate/*"),
    ("aps", "workspace"): at("aps", "workspace/*"),
    ("backup", "backupPlan"): at("backup", "backup-plan:*"),
    ("backup", "recoveryPoint"): at("backup", "recovery-point:*"),
    ("kms", "key"): at("kms", "key/*"),
    **{
        ("ec2", kind): at("ec2", f"{kind}/*")
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
