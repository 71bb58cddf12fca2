"""What there are alarms for: data, from the environment's file and the names of what is watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ils_pipelines.settings.environment import Environment
from ils_pipelines.stacks.outputs import (
    BackupVaultOutputs,
    CacheOutputs,
    ClusterOutputs,
    DatabaseOutputs,
    LoadBalancerOutputs,
    TablesOutputs,
)

ABOVE, BELOW = "GreaterThanThreshold", "LessThanThreshold"
_MINUTE = 60
_FIVE_MINUTES = 5 * _MINUTE
_HOUR = 60 * _MINUTE

Dimensions = Mapping[str, Any]


@dataclass(frozen=True)
class Watched:
    """The layers whose metrics are watched."""

    cluster: ClusterOutputs
    database: DatabaseOutputs
    cache: CacheOutputs
    tables: TablesOutputs
    load_balancer: LoadBalancerOutputs
    backups: BackupVaultOutputs


@dataclass(frozen=True)
class Metric:
    """One series of numbers in CloudWatch."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: str
    """`Average`, `Maximum`, ... or a percentile like `p95`."""


@dataclass(frozen=True)
class Alarm:
    """One alarm; missing data is no reason for it."""

    name: str
    """Last part of `ils-<environment>-<name>`."""
    description: str
    """What it means, and where to look."""
    metrics: tuple[Metric, ...]
    threshold: float
    comparison: str = ABOVE
    expression: str = ""
    """Arithmetic over `m1`, `m2`, ... where there is more than one metric."""
    period_seconds: int = _FIVE_MINUTES
    periods: int = 3


def alarms(environment: Environment, watched: Watched) -> tuple[Alarm, ...]:
    """Every alarm of an environment."""
    return (
        *(_of_nodes(environment, watched) if environment.monitoring.container_insights else ()),
        *_of_requests(environment, watched),
        *_of_database(environment, watched),
        *_of_cache(environment, watched),
        *_of_tables(watched),
        *_of_backups(watched),
    )


def _of_nodes(environment: Environment, watched: Watched) -> Iterator[Alarm]:
    limits, cluster = environment.monitoring.thresholds, {"ClusterName": watched.cluster.cluster_name}

    def metric(name: str, statistic: str) -> tuple[Metric, ...]:
        return (Metric("ContainerInsights", name, cluster, statistic),)

    yield Alarm(
        "nodes-failed",
        "A node does not report any more. EKS replaces it; see the node group's health if it does not.",
        metric("cluster_failed_node_count", "Maximum"),
        0,
        periods=2,
    )
    yield Alarm(
        "nodes-cpu",
        "The nodes are busy. Raise max_size of a node group, or find what is busy on the dashboard.",
        metric("node_cpu_utilization", "Average"),
        limits.node_cpu_percent,
    )
    yield Alarm(
        "nodes-memory",
        "The nodes run out of memory: pods will be evicted. Raise max_size of a node group.",
        metric("node_memory_utilization", "Average"),
        limits.node_memory_percent,
    )
    yield Alarm(
        "nodes-disk",
        "A node's disk fills up: images are removed first, then pods evicted. Replace the node, or raise disk_gib.",
        metric("node_filesystem_utilization", "Maximum"),
        limits.node_disk_percent,
    )


def _of_requests(environment: Environment, watched: Watched) -> Iterator[Alarm]:
    limits, balancer = environment.monitoring.thresholds, watched.load_balancer
    whole = {"LoadBalancer": balancer.load_balancer_arn_suffix}
    group = {**whole, "TargetGroup": balancer.target_group_arn_suffix}

    def metric(name: str, statistic: str, dimensions: Dimensions) -> Metric:
        return Metric("AWS/ApplicationELB", name, dimensions, statistic)

    yield Alarm(
        "requests-failing",
        "People see errors. Compare with the last release; the application's log says why.",
        (
            metric("HTTPCode_Target_5XX_Count", "Sum", whole),
            metric("HTTPCode_ELB_5XX_Count", "Sum", whole),
            metric("RequestCount", "Sum", whole),
        ),
        limits.error_percent,
        expression="100 * (FILL(m1, 0) + FILL(m2, 0)) / m3",
    )
    yield Alarm(
        "requests-slow",
        "People wait. See whether nodes, database or cache are busy, and the traces of slow requests.",
        (metric("TargetResponseTime", "p95", whole),),
        limits.response_milliseconds / 1000,
    )
    yield Alarm(
        "targets-unhealthy",
        "A pod does not answer its health check. See its events and its log.",
        (metric("UnHealthyHostCount", "Maximum", group),),
        0,
        period_seconds=_MINUTE,
        periods=5,
    )


def _of_database(environment: Environment, watched: Watched) -> Iterator[Alarm]:
    limits = environment.monitoring.thresholds
    cluster = {"DBClusterIdentifier": watched.database.cluster_identifier}

    def metric(name: str, statistic: str) -> tuple[Metric, ...]:
        return (Metric("AWS/RDS", name, cluster, statistic),)

    yield Alarm(
        "database-cpu",
        "The database is busy. Performance Insights shows the statements.",
        metric("CPUUtilization", "Average"),
        limits.database_cpu_percent,
    )
    yield Alarm(
        "database-connections",
        "Connections run out: those that come next are refused. Look for pods that do not give theirs back.",
        metric("DatabaseConnections", "Maximum"),
        limits.database_connections,
    )
    yield Alarm(
        "database-memory",
        "The database runs out of memory, and restarts when there is none. Use a larger instance_class.",
        metric("FreeableMemory", "Minimum"),
        limits.database_free_memory_mib * 2**20,
        comparison=BELOW,
    )
    if environment.database.instances > 1:
        yield Alarm(
            "database-replica-lag",
            "Readers answer with old data. The writer is busy, or a reader is too small.",
            metric("AuroraReplicaLagMaximum", "Maximum"),
            limits.database_replica_lag_milliseconds,
        )


def _cache_node(group: Any, number: int) -> Any:
    return group.apply(lambda found: f"{found}-{number:03d}")


def _of_cache(environment: Environment, watched: Watched) -> Iterator[Alarm]:
    limits = environment.monitoring.thresholds
    for number in range(1, environment.cache.nodes + 1):
        # ElastiCache measures each node, not the group.
        node = {"CacheClusterId": _cache_node(watched.cache.replication_group_id, number)}
        yield Alarm(
            f"cache-{number}-cpu",
            "A node of the cache is busy. Use a larger node_type, or find the client.",
            (Metric("AWS/ElastiCache", "EngineCPUUtilization", node, "Average"),),
            limits.cache_cpu_percent,
        )
        yield Alarm(
            f"cache-{number}-memory",
            "A node of the cache fills up: at the end sessions are dropped before their time. Use a larger node_type.",
            (Metric("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", node, "Maximum"),),
            limits.cache_memory_percent,
        )


def _of_tables(watched: Watched) -> Iterator[Alarm]:
    for kind, name in (
        ("sessions", watched.tables.sessions_table_name),
        ("analytics", watched.tables.analytics_table_name),
    ):
        yield Alarm(
            f"{kind}-throttled",
            "DynamoDB refuses requests to the table: more than twice the highest load so far, or one key is hot.",
            tuple(
                Metric("AWS/DynamoDB", metric, {"TableName": name}, "Sum")
                for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
            ),
            0,
            expression="FILL(m1, 0) + FILL(m2, 0)",
        )


def _of_backups(watched: Watched) -> Iterator[Alarm]:
    vault = {"BackupVaultName": watched.backups.vault_name}
    yield Alarm(
        "backups-failed",
        "A backup of the tables failed, came too late, or was not copied. AWS Backup names the job and the reason.",
        tuple(
            Metric("AWS/Backup", metric, vault, "Sum")
            for metric in ("NumberOfBackupJobsFailed", "NumberOfBackupJobsExpired", "NumberOfCopyJobsFailed")
        ),
        0,
        expression="FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)",
        period_seconds=_HOUR,
        periods=1,
    )
