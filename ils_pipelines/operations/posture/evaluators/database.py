"""Aurora: the cluster, its instances and its snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import CUSTOMER_KEY, encrypted
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.operations.scope import tags_of

_SHORTEST_RETENTION_DAYS = 7
_WELL_KNOWN_NAMES = {"admin", "administrator", "awsuser", "master", "postgres", "rdsadmin", "root"}

Shown = Callable[[Record], str]


def encryption(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        if cluster.get("StorageEncrypted"):
            yield encrypted(live, name, cluster.get("KmsKeyId"))
        else:
            yield Observation(name, CUSTOMER_KEY, "not encrypted", holds=False)


def deletion_protection(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        yield _switch(name, "deletion protection", cluster.get("DeletionProtection"))


def backup_retention(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        days = int(cluster.get("BackupRetentionPeriod", 0))
        expected = f"backups kept for {_SHORTEST_RETENTION_DAYS} days or more"
        yield Observation(name, expected, f"{days} days", days >= _SHORTEST_RETENTION_DAYS)


def multi_az(live: Live) -> Iterator[Observation]:
    zones = {each["DBInstanceIdentifier"]: each.get("AvailabilityZone") for _, each in _instances(live)}
    for name, cluster in _clusters(live):
        members = [each["DBInstanceIdentifier"] for each in cluster.get("DBClusterMembers", ())]
        used = sorted({str(zones[member]) for member in members if zones.get(member)})
        found = f"{len(members)} in {', '.join(used) or 'no zone'}"
        yield Observation(name, "instances in two or more zones", found, len(used) > 1)


def iam_authentication(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        yield _switch(name, "IAM authentication", cluster.get("IAMDatabaseAuthenticationEnabled"))


def log_export(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        exported = cluster.get("EnabledCloudwatchLogsExports") or ()
        yield Observation(name, "log postgresql exported", ", ".join(exported) or "none", "postgresql" in exported)


def force_ssl(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        group = cluster["DBClusterParameterGroup"]
        parameters = live.list("rds", "describe_db_cluster_parameters", "Parameters", DBClusterParameterGroupName=group)
        value = next(
            (each.get("ParameterValue") for each in parameters if each["ParameterName"] == "rds.force_ssl"), ""
        )
        yield Observation(name, "rds.force_ssl = 1", f"{value or 'not set'} in {group}", value in {"1", "on", "true"})


def tags_to_snapshots(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        yield _switch(name, "copying tags to snapshots", cluster.get("CopyTagsToSnapshot"))


def admin_name(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        admin = str(cluster.get("MasterUsername", ""))
        yield Observation(name, "an administrator of another name than usual", admin, admin not in _WELL_KNOWN_NAMES)


def not_public(live: Live) -> Iterator[Observation]:
    for name, instance in _instances(live):
        public = bool(instance.get("PubliclyAccessible"))
        yield Observation(name, "not publicly accessible", "public" if public else "private", holds=not public)


def minor_upgrades(live: Live) -> Iterator[Observation]:
    for name, instance in _instances(live):
        yield _switch(name, "automatic minor upgrades", instance.get("AutoMinorVersionUpgrade"))


def enhanced_monitoring(live: Live) -> Iterator[Observation]:
    for name, instance in _instances(live):
        seconds = int(instance.get("MonitoringInterval") or 0)
        yield Observation(name, "enhanced monitoring on", f"every {seconds} s" if seconds else "off", seconds > 0)


def performance_insights(live: Live) -> Iterator[Observation]:
    for name, instance in _instances(live):
        yield _switch(name, "performance insights", instance.get("PerformanceInsightsEnabled"))


def insights_encryption(live: Live) -> Iterator[Observation]:
    for name, instance in _instances(live):
        if instance.get("PerformanceInsightsEnabled"):
            yield encrypted(live, name, instance.get("PerformanceInsightsKMSKeyId"))


def snapshots_private(live: Live) -> Iterator[Observation]:
    for name, snapshot in _snapshots(live):
        if snapshot.get("SnapshotType") == "automated":
            continue  # cannot be shared
        answer = live.get(
            "rds",
            "describe_db_cluster_snapshot_attributes",
            DBClusterSnapshotIdentifier=snapshot["DBClusterSnapshotIdentifier"],
        )
        attributes = answer["DBClusterSnapshotAttributesResult"].get("DBClusterSnapshotAttributes", ())
        shared = [
            value for each in attributes if each["AttributeName"] == "restore" for value in each["AttributeValues"]
        ]
        yield Observation(name, "not public", f"shared with {', '.join(shared) or 'nobody'}", "all" not in shared)


def snapshots_encrypted(live: Live) -> Iterator[Observation]:
    for name, snapshot in _snapshots(live):
        yield _switch(name, "encryption", snapshot.get("StorageEncrypted"))


def _switch(resource: str, what: str, on: object) -> Observation:
    return Observation(resource, f"{what} on", "on" if on else "off", holds=bool(on))


def _clusters(live: Live) -> Iterator[tuple[str, Record]]:
    for cluster in live.list("rds", "describe_db_clusters", "DBClusters"):
        name = cluster["DBClusterIdentifier"]
        if live.scope.owns_name(name) or live.scope.owns_tags(tags_of(cluster.get("TagList"))):
            yield f"database cluster {name}", cluster


def _instances(live: Live) -> Iterator[tuple[str, Record]]:
    for instance in live.list("rds", "describe_db_instances", "DBInstances"):
        name = instance["DBInstanceIdentifier"]
        if live.scope.owns_name(name) or live.scope.owns_tags(tags_of(instance.get("TagList"))):
            yield f"database instance {name}", instance


def _snapshots(live: Live) -> Iterator[tuple[str, Record]]:
    for snapshot in live.list("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots"):
        if live.scope.owns_name(snapshot["DBClusterIdentifier"]):
            yield f"database snapshot {snapshot['DBClusterSnapshotIdentifier']}", snapshot
