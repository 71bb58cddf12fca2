"""What the sandbox does not do, for whoever tries the product in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One thing that AWS does and the sandbox does not."""

    area: str
    unsupported: str
    instead: str
    """What there is of it."""


LIMITS: tuple[Limit, ...] = (
    Limit(
        "AWS Backup",
        "running plans: there are no backup jobs, copy jobs and recovery points",
        "vaults, plans and selections are kept, with their schedules",
    ),
    Limit(
        "S3",
        "ending objects by lifecycle rules",
        "the rules are kept; replication rules copy at once, or `copy_seconds` later",
    ),
    Limit(
        "DynamoDB",
        "exports that are incremental or in Ion, and imports of CSV and Ion",
        "full exports in DynamoDB JSON, and tables that are made of them, in any region",
    ),
    Limit(
        "CloudWatch",
        "metrics of AWS's services, and evaluating alarms",
        "alarms and dashboards are kept; set_alarm_state changes an alarm",
    ),
    Limit(
        "Cost Explorer",
        "costs of what really runs",
        "an invented year of costs, the same at any time, of dev, staging and production, and advice that follows from it",
    ),
    Limit("EC2", "machines behind node groups and launch templates", "instances that are described as running"),
    Limit(
        "IAM",
        "refusing calls by the policies of roles",
        "roles and policies are kept; keys are refused as their own policies and states say",
    ),
    Limit("AWS WAF", "inspecting requests", "web ACLs and what they guard are kept"),
    Limit("Load balancers", "listening and forwarding requests", "listeners, rules and targets with their health"),
    Limit(
        "Aurora",
        "the version that RDS describes, extensions that need OpenSSL, IAM logins, servers of readers",
        "PostgreSQL 18; a reader's session is a read-only one on the writer's server",
    ),
    Limit(
        "ElastiCache",
        "the version that is described, sharded data of groups in cluster mode, read-only reader endpoints",
        "Valkey 9",
    ),
    Limit(
        "Kubernetes",
        "containers, metrics, network policies, load balancers of Ingresses, names of services in DNS, and Protobuf",
        "pods that are described as running; those of the application answer /health and, once database and cache let "
        "them in, /ready; commands of jobs run as processes with `--host-processes`",
    ),
    Limit("Traces", "collecting them: X-Ray has none", "groups, sampling rules and collectors as they are set up"),
)
