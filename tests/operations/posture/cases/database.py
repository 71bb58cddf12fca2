"""Breaking the database, and adding others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.site import Case, Site, case

_CLUSTER, _INSTANCE, _ROGUE = "ils-dev", "ils-dev-1", "ils-dev-rogue"
_PASSWORD = "not-a-secret-1"


def _cluster(broken: dict[str, Any], right: dict[str, Any]) -> Callable[[Site], Iterator[str]]:
    def change(site: Site) -> Iterator[str]:
        rds = site.client("rds")
        rds.modify_db_cluster(DBClusterIdentifier=_CLUSTER, ApplyImmediately=True, **broken)
        try:
            yield f"database cluster {_CLUSTER}"
        finally:
            rds.modify_db_cluster(DBClusterIdentifier=_CLUSTER, ApplyImmediately=True, **right)

    return change


def _instance(broken: dict[str, Any], right: dict[str, Any]) -> Callable[[Site], Iterator[str]]:
    def change(site: Site) -> Iterator[str]:
        rds = site.client("rds")
        rds.modify_db_instance(DBInstanceIdentifier=_INSTANCE, ApplyImmediately=True, **broken)
        try:
            yield f"database instance {_INSTANCE}"
        finally:
            rds.modify_db_instance(DBInstanceIdentifier=_INSTANCE, ApplyImmediately=True, **right)

    return change


def _gone(rds: Any, identifier: str) -> bool:
    try:
        rds.describe_db_clusters(DBClusterIdentifier=identifier)
    except rds.exceptions.DBClusterNotFoundFault:
        return True
    return False


def _rogue_cluster(site: Site) -> Iterator[str]:
    rds = site.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=_ROGUE,
        Engine="aurora-postgresql",
        MasterUsername="postgres",
        MasterUserPassword=_PASSWORD,
        DBSubnetGroupName=_CLUSTER,
        StorageEncrypted=False,
    )
    try:
        yield f"database cluster {_ROGUE}"
    finally:
        rds.delete_db_cluster(DBClusterIdentifier=_ROGUE, SkipFinalSnapshot=True)
        deadline = time.monotonic() + 30
        while not _gone(rds, _ROGUE):
            assert time.monotonic() < deadline


def _rogue_instance(site: Site) -> Iterator[str]:
    rds = site.client("rds")
    identifier = f"{_CLUSTER}-rogue"
    rds.create_db_instance(
        DBInstanceIdentifier=identifier,
        DBClusterIdentifier=_CLUSTER,
        DBInstanceClass="db.t4g.medium",
        Engine="aurora-postgresql",
        EnablePerformanceInsights=True,
    )
    try:
        yield f"database instance {identifier}"
    finally:
        rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)


def _snapshot(of: str, *, public: bool) -> Callable[[Site], Iterator[str]]:
    def added(site: Site) -> Iterator[str]:
        rds = site.client("rds")
        name = f"{of}-by-hand"
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=name, DBClusterIdentifier=of)
        if public:
            rds.modify_db_cluster_snapshot_attribute(
                DBClusterSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=["all"]
            )
        try:
            yield f"database snapshot {name}"
        finally:
            rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)

    return added


def _snapshot_of_rogue(site: Site) -> Iterator[str]:
    for _ in _rogue_cluster(site):
        yield from _snapshot(_ROGUE, public=False)(site)


def _without_tls(site: Site) -> Iterator[str]:
    rds = site.client("rds")
    group = rds.describe_db_clusters(DBClusterIdentifier=_CLUSTER)["DBClusters"][0]["DBClusterParameterGroup"]

    def set_to(value: str) -> None:
        parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": value, "ApplyMethod": "immediate"}
        rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=group, Parameters=[parameter])

    set_to("0")
    try:
        yield f"database cluster {_CLUSTER}"
    finally:
        set_to("1")


_LOGS_OFF = {"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["postgresql"]}}
_LOGS_ON = {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql"]}}
_ROLE = "arn:aws:iam::123456789012:role/ils-dev-database-monitoring"

CASES: tuple[Case, ...] = (
    case(ControlId.DATABASE_ENCRYPTION, "another cluster", _rogue_cluster),
    case(ControlId.DATABASE_DELETION_PROTECTION, "another cluster", _rogue_cluster),
    case(
        ControlId.DATABASE_BACKUP_RETENTION,
        "one day",
        _cluster({"BackupRetentionPeriod": 1}, {"BackupRetentionPeriod": 7}),
    ),
    case(
        ControlId.DATABASE_NOT_PUBLIC, "public", _instance({"PubliclyAccessible": True}, {"PubliclyAccessible": False})
    ),
    case(ControlId.DATABASE_MULTI_AZ, "another cluster", _rogue_cluster),
    case(
        ControlId.DATABASE_IAM_AUTHENTICATION,
        "off",
        _cluster({"EnableIAMDatabaseAuthentication": False}, {"EnableIAMDatabaseAuthentication": True}),
    ),
    case(ControlId.DATABASE_LOG_EXPORT, "off", _cluster(_LOGS_OFF, _LOGS_ON)),
    case(ControlId.DATABASE_FORCE_SSL, "off", _without_tls),
    case(
        ControlId.DATABASE_TAGS_TO_SNAPSHOTS,
        "off",
        _cluster({"CopyTagsToSnapshot": False}, {"CopyTagsToSnapshot": True}),
    ),
    case(
        ControlId.DATABASE_MINOR_UPGRADES,
        "off",
        _instance({"AutoMinorVersionUpgrade": False}, {"AutoMinorVersionUpgrade": True}),
    ),
    case(
        ControlId.DATABASE_ENHANCED_MONITORING,
        "off",
        _instance({"MonitoringInterval": 0}, {"MonitoringInterval": 60, "MonitoringRoleArn": _ROLE}),
    ),
    case(
        ControlId.DATABASE_PERFORMANCE_INSIGHTS,
        "off",
        _instance({"EnablePerformanceInsights": False}, {"EnablePerformanceInsights": True}),
    ),
    case(ControlId.DATABASE_INSIGHTS_ENCRYPTION, "another instance", _rogue_instance),
    case(ControlId.DATABASE_ADMIN_NAME, "another cluster", _rogue_cluster),
    case(ControlId.DATABASE_SNAPSHOTS_PRIVATE, "shared with all", _snapshot(_CLUSTER, public=True)),
    case(ControlId.DATABASE_SNAPSHOTS_ENCRYPTED, "of another cluster", _snapshot_of_rogue),
)
