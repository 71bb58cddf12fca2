"""Aurora: the cluster, its instances, and whether one of them takes writes."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.health.judging import States, finding, judged
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.view import View

_WORKING = frozenset(
    {
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "creating",
        "failing-over",
        "maintenance",
        "modifying",
        "renaming",
        "rebooting",
        "resetting-master-credentials",
        "storage-optimization",
        "upgrading",
    }
)
_STATES = States("available", _WORKING)
_REMEDY = "Look at the events of the cluster in the RDS console. If it is stopped, start it; if it is gone, restore it."
_WRITER_REMEDY = "Wait for the failover that is under way, or start one: aws rds failover-db-cluster."


def cluster(view: View) -> Iterator[HealthFinding]:
    name = view.output("cluster_identifier")
    found = view.described("rds", "describe_db_clusters", "DBClusters", DBClusterIdentifier=name)
    yield judged(f"database cluster {name}", found, "Status", _STATES, _REMEDY)
    if found is None:
        return
    writers = [each["DBInstanceIdentifier"] for each in found["DBClusterMembers"] if each["IsClusterWriter"]]
    status = HealthStatus.HEALTHY if len(writers) == 1 else HealthStatus.UNHEALTHY
    yield finding(f"database writer of {name}", "one instance", ", ".join(writers) or "none", _WRITER_REMEDY, status)


def instances(view: View) -> Iterator[HealthFinding]:
    """Those that were provisioned, and those that replica autoscaling added."""
    name = view.output("cluster_identifier")
    there = view.live.list(
        "rds", "describe_db_instances", "DBInstances", Filters=[{"Name": "db-cluster-id", "Values": [name]}]
    )
    found = {each["DBInstanceIdentifier"]: each for each in there}
    for identifier in sorted({*view.output("instance_identifiers"), *found}):
        yield judged(f"database instance {identifier}", found.get(identifier), "DBInstanceStatus", _STATES, _REMEDY)
