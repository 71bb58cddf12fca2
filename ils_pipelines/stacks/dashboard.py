"""The dashboard of an environment: one row for each part, from the alarms down to backups."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.stacks import aws
from ils_pipelines.stacks.alarm_catalog import Watched
from ils_pipelines.stacks.naming import Naming

_COLUMNS, _HEIGHT = 24, 6
_ALB, _RDS, _CACHE, _NODES = "AWS/ApplicationELB", "AWS/RDS", "AWS/ElastiCache", "ContainerInsights"

Widget = dict[str, Any]
Known = Mapping[str, Any]
"""Names of what is watched, by the output that they are from."""


@dataclass(frozen=True)
class DashboardArgs:
    """What the dashboard needs."""

    naming: Naming
    region: str
    container_insights: bool
    cache_nodes: int
    watched: Watched
    alarm_arns: pulumi.Output[list[str]]


class Dashboard(pulumi.ComponentResource):
    """Cluster and nodes, requests, database, cache, tables, backups."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:monitoring:Dashboard", name, None, opts)
        watched = args.watched
        known = pulumi.Output.all(
            alarms=args.alarm_arns,
            cluster=watched.cluster.cluster_name,
            balancer=watched.load_balancer.load_balancer_arn_suffix,
            targets=watched.load_balancer.target_group_arn_suffix,
            database=watched.database.cluster_identifier,
            instances=watched.database.instance_identifiers,
            cache=watched.cache.replication_group_id,
            tables=pulumi.Output.all(watched.tables.sessions_table_name, watched.tables.analytics_table_name),
            vault=watched.backups.vault_name,
        )
        dashboard = aws.cloudwatch.Dashboard(
            "overview",
            dashboard_name=args.naming.name(),
            dashboard_body=known.apply(lambda found: body(args, found)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = dashboard.dashboard_name
        self.register_outputs({"name": self.name})


def body(args: DashboardArgs, known: Known) -> str:
    """The dashboard as JSON, with sorted keys so that the same dashboard is the same text in every run."""
    rows = [
        [_alarms(known)],
        *([_nodes(known), _pods(known)] if args.container_insights else []),
        _api_server(known),
        _requests(known),
        _database(known),
        _database_queries(known),
        _cache(known, args.cache_nodes),
        [*_tables(known), *_backups(known)],
    ]
    return json.dumps({"widgets": list(_placed(rows, args.region))}, sort_keys=True)


def _placed(rows: Iterable[Sequence[Widget]], region: str) -> Iterator[Widget]:
    """Widgets of a row side by side, rows below each other."""
    for number, row in enumerate(rows):
        width = _COLUMNS // len(row)
        for column, widget in enumerate(row):
            place = {"x": column * width, "y": number * _HEIGHT, "width": width, "height": _HEIGHT}
            properties = widget["properties"]
            if widget["type"] != "alarm":
                properties = {**properties, "region": region}
            yield {**widget, **place, "properties": properties}


def _graph(title: str, *metrics: list[Any], stat: str = "Average", period: int = 300, stacked: bool = False) -> Widget:
    """Metrics as CloudWatch writes them: namespace, name, then names and values of dimensions."""
    properties = {"title": title, "metrics": list(metrics), "stat": stat, "period": period, "view": "timeSeries"}
    return {"type": "metric", "properties": {**properties, "stacked": stacked}}


def _alarms(known: Known) -> Widget:
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": list(known["alarms"])}}


def _nodes(known: Known) -> list[Widget]:
    cluster = ["ClusterName", known["cluster"]]
    return [
        _graph("Nodes: processor %", [_NODES, "node_cpu_utilization", *cluster]),
        _graph("Nodes: memory %", [_NODES, "node_memory_utilization", *cluster]),
        _graph("Nodes: disk %", [_NODES, "node_filesystem_utilization", *cluster], stat="Maximum"),
        _graph(
            "Nodes",
            [_NODES, "cluster_node_count", *cluster],
            [_NODES, "cluster_failed_node_count", *cluster],
            stat="Maximum",
        ),
    ]


def _pods(known: Known) -> list[Widget]:
    app = ["PodName", "ils", "ClusterName", known["cluster"], "Namespace", known["cluster"]]
    return [
        _graph("Application: processor % of its limit", [_NODES, "pod_cpu_utilization_over_pod_limit", *app]),
        _graph("Application: memory % of its limit", [_NODES, "pod_memory_utilization_over_pod_limit", *app]),
        _graph("Application: restarts", [_NODES, "pod_number_of_container_restarts", *app], stat="Sum"),
    ]


def _api_server(known: Known) -> list[Widget]:
    """What EKS measures by itself, without an agent."""
    cluster = ["ClusterName", known["cluster"]]
    return [
        _graph("Kubernetes API: requests", ["AWS/EKS", "apiserver_request_total", *cluster], stat="Sum"),
        _graph("Kubernetes API: errors", ["AWS/EKS", "apiserver_request_total_5XX", *cluster], stat="Sum"),
        _graph("Pods that wait for a node", ["AWS/EKS", "scheduler_pending_pods", *cluster], stat="Maximum"),
    ]


def _requests(known: Known) -> list[Widget]:
    balancer = ["LoadBalancer", known["balancer"]]
    targets = ["TargetGroup", known["targets"], *balancer]
    return [
        _graph("Requests", [_ALB, "RequestCount", *balancer], stat="Sum", period=60),
        _graph(
            "Response time, seconds",
            *([_ALB, "TargetResponseTime", *balancer, {"stat": stat}] for stat in ("p50", "p95", "p99")),
            period=60,
        ),
        _graph(
            "Errors",
            *(
                [_ALB, name, *balancer]
                for name in ("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_4XX_Count")
            ),
            stat="Sum",
            period=60,
        ),
        _graph("Targets", [_ALB, "HealthyHostCount", *targets], [_ALB, "UnHealthyHostCount", *targets], stat="Maximum"),
    ]


def _database(known: Known) -> list[Widget]:
    cluster = ["DBClusterIdentifier", known["database"]]
    return [
        _graph("Database: connections", [_RDS, "DatabaseConnections", *cluster], stat="Maximum"),
        _graph("Database: processor %", [_RDS, "CPUUtilization", *cluster]),
        _graph(
            "Database: storage, bytes",
            [_RDS, "VolumeBytesUsed", *cluster],
            [_RDS, "FreeLocalStorage", *cluster],
            stat="Maximum",
        ),
        _graph(
            "Database: backups, bytes",
            *(
                [_RDS, name, *cluster]
                for name in ("BackupRetentionPeriodStorageUsed", "SnapshotStorageUsed", "TotalBackupStorageBilled")
            ),
            stat="Maximum",
            period=86400,
        ),
    ]


def _database_queries(known: Known) -> list[Widget]:
    cluster = ["DBClusterIdentifier", known["database"]]
    group = f"/aws/rds/cluster/{known['database']}/postgresql"
    # The log has what took longer than a second.
    query = (
        f"SOURCE '{group}' | filter @message like /duration:/ | parse @message 'duration: * ms' as milliseconds "
        "| sort milliseconds desc | limit 20"
    )
    return [
        _graph(
            "Database: latency of reads, writes and commits",
            *([_RDS, name, *cluster] for name in ("ReadLatency", "WriteLatency", "CommitLatency")),
        ),
        _graph(
            "Database: load (sessions at work)",
            *([_RDS, "DBLoad", "DBInstanceIdentifier", instance] for instance in known["instances"]),
        ),
        _graph(
            "Database: cache hits % and deadlocks",
            [_RDS, "BufferCacheHitRatio", *cluster],
            [_RDS, "Deadlocks", *cluster, {"yAxis": "right"}],
        ),
        {"type": "log", "properties": {"title": "Database: slowest statements", "query": query, "view": "table"}},
    ]


def _cache(known: Known, nodes: int) -> list[Widget]:
    each = [["CacheClusterId", f"{known['cache']}-{number:03d}"] for number in range(1, nodes + 1)]

    def of_nodes(*names: str) -> list[list[Any]]:
        return [[_CACHE, name, *node] for name in names for node in each]

    return [
        _graph("Cache: processor %", *of_nodes("EngineCPUUtilization")),
        _graph("Cache: memory %", *of_nodes("DatabaseMemoryUsagePercentage"), stat="Maximum"),
        _graph("Cache: hits and misses", *of_nodes("CacheHits", "CacheMisses"), stat="Sum"),
        _graph("Cache: connections and evictions", *of_nodes("CurrConnections", "Evictions"), stat="Maximum"),
    ]


def _tables(known: Known) -> list[Widget]:
    def of_tables(*names: str) -> list[list[Any]]:
        return [["AWS/DynamoDB", name, "TableName", table] for name in names for table in known["tables"]]

    return [
        _graph(
            "Tables: capacity used", *of_tables("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"), stat="Sum"
        ),
        _graph("Tables: refused requests", *of_tables("ReadThrottleEvents", "WriteThrottleEvents"), stat="Sum"),
    ]


def _backups(known: Known) -> list[Widget]:
    vault = ["BackupVaultName", known["vault"]]
    names = ("NumberOfBackupJobsCompleted", "NumberOfBackupJobsFailed", "NumberOfCopyJobsFailed")
    return [
        _graph("Backups of the tables", *(["AWS/Backup", name, *vault] for name in names), stat="Sum", period=86400)
    ]
