"""Aurora clusters."""

from __future__ import annotations

import json
import secrets
import string
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.rds import databases, upgrades
from ils_sandbox.aws.overlay.rds.databases import with_endpoints
from ils_sandbox.aws.overlay.rds.extras import Kind
from ils_sandbox.aws.overlay.rds.restores import origin_of
from ils_sandbox.aws.overlay.rds.snapshot_records import forget, remember
from ils_sandbox.aws.overlay.rds.versions import ENGINE, resolve
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import ClusterChange

_WINDOW = ("EarliestRestorableTime", "LatestRestorableTime")


class _Clusters(Kind):
    """Clusters, described with the endpoints of their databases."""

    def completed(self, call: Call, world: World, description: Result) -> Result:
        completed = with_endpoints(world, super().completed(call, world, description))
        if world.lifecycles.phase(self.backups(call, description[self.name_key])) is None:
            return completed
        return {key: value for key, value in completed.items() if key not in _WINDOW}

    def backups(self, call: Call, name: str) -> str:
        """The phase in which a new cluster has none yet that it could be gone back to."""
        return f"{self._key(call, name)}/backups"


CLUSTERS = _Clusters(
    "rds.clusters",
    "DBClusterIdentifier",
    "DBClusters",
    "Status",
    {
        "DatabaseInsightsMode": "DatabaseInsightsMode",
        "EnableHttpEndpoint": "HttpEndpointEnabled",
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "EnablePerformanceInsights": "PerformanceInsightsEnabled",
        "EngineLifecycleSupport": "EngineLifecycleSupport",
        "MonitoringInterval": "MonitoringInterval",
        "MonitoringRoleArn": "MonitoringRoleArn",
        "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    },
)

DEFAULTS: dict[str, Any] = {"EngineLifecycleSupport": "open-source-rds-extended-support", "StorageType": "aurora"}


def create_db_cluster(call: Call, world: World) -> Result:
    """CreateDBCluster, and the two ways of restoring one."""
    params = dict(call.params)
    name = CLUSTERS.name(call)
    if name in CLUSTERS.ghosts.list(call, world):
        raise AwsError("DBClusterAlreadyExistsFault", f"DB Cluster {name} already exists (status deleting)")
    _check_keys(call, world)
    aurora = params.get("Engine") == ENGINE
    # moto does not know Aurora's storage types.
    storage = params.pop("StorageType", None) if aurora else None
    if aurora and call.operation == "CreateDBCluster":
        params["EngineVersion"] = resolve(params.get("EngineVersion"))
        if not world.lifecycles.offers(params["EngineVersion"]):
            message = f"Cannot find version {params['EngineVersion']} for {ENGINE}"
            raise AwsError("InvalidParameterCombination", message)
    origin = origin_of(call, world)
    _mend_snapshot(call, world)
    described = world.forward(call, params)["DBCluster"]
    aurora = described["Engine"] == ENGINE
    extras = CLUSTERS.extras(call, world, name)
    if aurora:
        extras.update({**DEFAULTS, **({"StorageType": storage} if storage else {})})
    CLUSTERS.remember(call, world, name)
    _remember_certificate(call, world, name)
    if origin.kind == "empty":
        _mend_master_secret(call, world, described)
    else:
        _drop_master_secret(call, world, described)
    if aurora:
        databases.make_database(call, world, extras, described, origin)
        _remember_automated_snapshot(call, world, name)
    CLUSTERS.begin(call, world, name, "creating", durations.RDS_CLUSTER_CREATE)
    world.lifecycles.begin(CLUSTERS.backups(call, name), "first backup", durations.RDS_CLUSTER_FIRST_BACKUP)
    return {"DBCluster": {**CLUSTERS.completed(call, world, described), "Status": "creating"}}


def describe_db_clusters(call: Call, world: World) -> Result:
    upgrades.carry_out(call, world, CLUSTERS)
    return CLUSTERS.describe(call, world)


def modify_db_cluster(call: Call, world: World) -> Result:
    params = dict(call.params)
    name = CLUSTERS.name(call)
    upgrades.carry_out(call, world, CLUSTERS)
    current = CLUSTERS.current(call, world, name)
    if current["Status"] != "available":
        message = f"DB cluster {name} has status {current['Status']}; it can be changed when it is available."
        raise AwsError("InvalidDBClusterStateFault", message)
    upgrades.ask(call, world, CLUSTERS, current, params)
    storage = params.pop("StorageType", None) if current["Engine"] == ENGINE else None
    exports = params.pop("CloudwatchLogsExportConfiguration", None)
    result = world.forward(call, params)
    renamed = str(params.get("NewDBClusterIdentifier") or name).lower()
    if renamed != name:
        kept = dict(CLUSTERS.extras(call, world, name))
        CLUSTERS.forget(call, world, name)
        CLUSTERS.extras(call, world, renamed).update(kept)
    CLUSTERS.remember(call, world, renamed)
    _remember_certificate(call, world, renamed)
    extras = CLUSTERS.extras(call, world, renamed)
    if storage:
        extras["StorageType"] = storage
    if exports:
        extras["EnabledCloudwatchLogsExports"] = changed_exports(current, exports)
    _change_database(call, world, extras, result["DBCluster"])
    CLUSTERS.begin(call, world, renamed, "modifying", durations.RDS_CLUSTER_MODIFY)
    upgrades.carry_out(call, world, CLUSTERS)
    return {"DBCluster": CLUSTERS.completed(call, world, result["DBCluster"])}


def delete_db_cluster(call: Call, world: World) -> Result:
    name = CLUSTERS.name(call)
    ghosts = CLUSTERS.ghosts.list(call, world)
    if name in ghosts:
        raise AwsError("InvalidDBClusterStateFault", f"DB cluster {name} is already being deleted.")
    current = CLUSTERS.current(call, world, name)
    world.forward(call)
    extras = CLUSTERS.extras(call, world, name)
    if call.params.get("FinalDBSnapshotIdentifier"):
        remember(call, world, call.params["FinalDBSnapshotIdentifier"], databases.take_snapshot(world, extras))
    databases.delete_database(world, extras)
    # AWS deletes the automated snapshots too; left behind, they stand in the way of the next cluster of that name.
    snapshots = world.backend(call, "rds").cluster_snapshots
    for snapshot in [each for each in snapshots.values() if each.snapshot_type == "automated"]:
        if snapshot.db_cluster_identifier == name:
            del snapshots[snapshot.db_cluster_snapshot_identifier]
            forget(call, world, snapshot.db_cluster_snapshot_identifier)
    CLUSTERS.forget(call, world, name)
    # Its instances are gone in moto already; what is still shown of them belongs to this cluster.
    return {"DBCluster": CLUSTERS.ghosts.keep(call, world, name, current, durations.RDS_CLUSTER_DELETE)}


def failover_db_cluster(call: Call, world: World) -> Result:
    result = world.forward(call)
    name = CLUSTERS.name(call)
    databases.fail_over(world, CLUSTERS.extras(call, world, name))
    return {"DBCluster": CLUSTERS.completed(call, world, result["DBCluster"])}


def stop_or_start_db_cluster(call: Call, world: World) -> Result:
    """StopDBCluster and StartDBCluster."""
    result = world.forward(call)
    change = ClusterChange(stopped=call.operation == "StopDBCluster")
    databases.change_database(world, CLUSTERS.extras(call, world, CLUSTERS.name(call)), change)
    return {"DBCluster": CLUSTERS.completed(call, world, result["DBCluster"])}


def changed_exports(current: Result, change: dict[str, Any]) -> list[str]:
    """The log types exported after a change. moto adds but does not always take away."""
    disabled = change.get("DisableLogTypes") or ()
    kept = [kind for kind in current.get("EnabledCloudwatchLogsExports", []) if kind not in disabled]
    return sorted({*kept, *(change.get("EnableLogTypes") or ())})


def _check_keys(call: Call, world: World) -> None:
    """moto breaks on a key that does not exist."""
    for parameter in ("KmsKeyId", "MasterUserSecretKmsKeyId"):
        key = call.params.get(parameter)
        if not key:
            continue
        try:
            world.invoke(call, "kms", "DescribeKey", KeyId=key)
        except MotoRefusedError as refused:
            message = (
                f"The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to it."
            )
            raise AwsError("KMSKeyNotAccessibleFault", message) from refused


def _remember_certificate(call: Call, world: World, name: str) -> None:
    authority = call.params.get("CACertificateIdentifier")
    if authority:
        CLUSTERS.extras(call, world, name)["CertificateDetails"] = {"CAIdentifier": authority}


def _change_database(call: Call, world: World, extras: dict[str, Any], cluster: Result) -> None:
    """Let a change of the cluster act on its database."""
    params = call.params
    rotated = bool(params.get("RotateMasterUserPassword"))
    managed = bool(params.get("ManageMasterUserPassword") or rotated)
    if managed:
        _mend_master_secret(call, world, cluster, rotated=rotated)
    if managed or params.get("MasterUserPassword"):
        databases.change_login(call, world, extras, cluster)
    if params.get("DBClusterParameterGroupName"):
        change = ClusterChange(force_ssl=databases.forces_ssl(call, world, cluster))
        databases.change_database(world, extras, change)
    if params.get("BackupRetentionPeriod"):
        databases.change_database(world, extras, ClusterChange(retention_days=int(params["BackupRetentionPeriod"])))


def _mend_snapshot(call: Call, world: World) -> None:
    """moto restores a snapshot with a password only, which is in none whose cluster had a managed one."""
    name = str(call.params.get("SnapshotIdentifier") or "").rpartition(":")[2]
    snapshot = world.backend(call, "rds").cluster_snapshots.get(name)
    if snapshot is not None and not hasattr(snapshot.cluster, "_master_user_password"):
        snapshot.cluster.manage_master_user_password = False
        snapshot.cluster.master_user_password = secrets.token_hex(16)


def _drop_master_secret(call: Call, world: World, cluster: Result) -> None:
    """A restored cluster's administrator has the password of then, in no managed secret; moto copies the setting."""
    restored = world.backend(call, "rds").clusters[cluster["DBClusterIdentifier"]]
    if restored.manage_master_user_password:
        restored.master_user_secret.delete_secret()
        del restored.master_user_secret
        restored.manage_master_user_password = False
        cluster.pop("MasterUserSecret", None)


def _remember_automated_snapshot(call: Call, world: World, name: str) -> None:
    """moto takes an automated snapshot of every cluster that it makes."""
    for snapshot in world.backend(call, "rds").cluster_snapshots.values():
        if snapshot.snapshot_type == "automated" and snapshot.db_cluster_identifier == name:
            kept = databases.take_snapshot(world, CLUSTERS.extras(call, world, name))
            remember(call, world, snapshot.db_cluster_snapshot_identifier, kept)


def rotate_managed_secret(call: Call, world: World, secret: str) -> str | None:
    """Give the cluster whose administrator's secret this is another password; the secret's new version. None where there is
    no such cluster."""
    for cluster in world.backend(call, "rds").clusters.values():
        if cluster.manage_master_user_password and cluster.master_user_secret.secret_arn == secret:
            name = cluster.db_cluster_identifier
            described = world.invoke(call, "rds", "DescribeDBClusters", DBClusterIdentifier=name)["DBClusters"][0]
            _mend_master_secret(call, world, described, rotated=True)
            databases.change_login(call, world, CLUSTERS.extras(call, world, name), described)
            return str(world.backend(call, "secretsmanager").secrets[secret].default_version_id)
    return None


def _mend_master_secret(call: Call, world: World, cluster: Result, *, rotated: bool = False) -> None:
    """moto gives every managed secret one user and one password; RDS the cluster's user and a random password."""
    secret = cluster.get("MasterUserSecret")
    if secret is None:
        return
    alphabet = string.ascii_letters + string.digits + "!#$%&*+-.:<=>?^_~"
    value = {
        "username": cluster.get("MasterUsername"),
        "password": "".join(secrets.choice(alphabet) for _ in range(32)),
    }
    if rotated:  # a version of its own beside the one before; moto leaves one that waits for a function
        for version in world.backend(call, "secretsmanager").secrets[secret["SecretArn"]].versions.values():
            version["version_stages"] = [stage for stage in version["version_stages"] if stage != "AWSPENDING"]
        world.invoke(
            call, "secretsmanager", "PutSecretValue", SecretId=secret["SecretArn"], SecretString=json.dumps(value)
        )
        return
    stored = world.backend(call, "secretsmanager").secrets[secret["SecretArn"]]
    stored.versions[stored.default_version_id]["secret_string"] = json.dumps(value)
