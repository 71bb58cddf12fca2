"""Instances of Aurora clusters, and any other."""

from __future__ import annotations

import secrets
import string
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.rds import upgrades
from ils_sandbox.aws.overlay.rds.authorities import certificate_of
from ils_sandbox.aws.overlay.rds.clusters import CLUSTERS, changed_exports
from ils_sandbox.aws.overlay.rds.extras import Kind
from ils_sandbox.aws.overlay.rds.versions import CA_CERTIFICATES, ENGINE
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError


class _Instances(Kind):
    """Instances, described with the endpoints of their cluster's database."""

    def completed(self, call: Call, world: World, description: Result) -> Result:
        completed = super().completed(call, world, description)
        if completed.get("CACertificateIdentifier"):
            completed["CertificateDetails"] = certificate_of(completed)
        cluster = completed.get("DBClusterIdentifier")
        if cluster and CLUSTERS.phase(call, world, cluster) == upgrades.UPGRADING:
            completed["DBInstanceStatus"] = upgrades.UPGRADING
        data = (
            CLUSTERS.extras(call, world, completed["DBClusterIdentifier"]).get("data")
            if (completed.get("DBClusterIdentifier"))
            else None
        )
        if world.data is None or data is None or "Endpoint" not in completed:
            return completed
        state = world.data.cluster(data)
        instance = world.backend(call, "rds").databases.get(completed["DBInstanceIdentifier"])
        endpoint = state.reader if instance is not None and not instance.is_cluster_writer else state.writer
        if endpoint is not None:
            completed["Endpoint"] = {**completed["Endpoint"], "Address": endpoint.address, "Port": endpoint.port}
        return completed


INSTANCES = _Instances(
    "rds.instances",
    "DBInstanceIdentifier",
    "DBInstances",
    "DBInstanceStatus",
    {
        "DatabaseInsightsMode": "DatabaseInsightsMode",
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "EnablePerformanceInsights": "PerformanceInsightsEnabled",
        "EngineLifecycleSupport": "EngineLifecycleSupport",
        "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    },
)


def create_db_instance(call: Call, world: World) -> Result:
    params = dict(call.params)
    name = INSTANCES.name(call)
    if name in INSTANCES.ghosts.list(call, world):
        raise AwsError("DBInstanceAlreadyExists", f"DB instance {name} already exists (status deleting)")
    cluster = None
    if params.get("DBClusterIdentifier"):
        cluster = CLUSTERS.current(call, world, params["DBClusterIdentifier"])
        if params["DBClusterIdentifier"] in CLUSTERS.ghosts.list(call, world):
            raise AwsError(
                "InvalidDBClusterStateFault", f"DB cluster {params['DBClusterIdentifier']} is being deleted."
            )
        params.setdefault("EngineVersion", cluster["EngineVersion"])
        params.setdefault("DBSubnetGroupName", cluster["DBSubnetGroup"])
        params.setdefault("AvailabilityZone", _zone(call, world, cluster))
        params.setdefault("CACertificateIdentifier", CA_CERTIFICATES[0])
    result = world.forward(call, params)
    INSTANCES.extras(call, world, name).update(_given_by_aws(cluster))
    INSTANCES.remember(call, world, name)
    reader = cluster is not None and bool(cluster["DBClusterMembers"])
    minutes = durations.RDS_READER_CREATE if reader else durations.RDS_WRITER_CREATE
    INSTANCES.begin(call, world, name, "creating", minutes)
    return {"DBInstance": {**INSTANCES.completed(call, world, result["DBInstance"]), "DBInstanceStatus": "creating"}}


def describe_db_instances(call: Call, world: World) -> Result:
    upgrades.carry_out(call, world, CLUSTERS)
    return INSTANCES.describe(call, world)


def modify_db_instance(call: Call, world: World) -> Result:
    params = dict(call.params)
    name = INSTANCES.name(call)
    current = INSTANCES.current(call, world, name)
    if current["DBInstanceStatus"] != "available":
        message = (
            f"DB instance {name} has status {current['DBInstanceStatus']}; it can be changed when it is available."
        )
        raise AwsError("InvalidDBInstanceState", message)
    exports = params.pop("CloudwatchLogsExportConfiguration", None)
    result = world.forward(call, params)
    renamed = str(params.get("NewDBInstanceIdentifier") or name).lower()
    if renamed != name:
        kept = dict(INSTANCES.extras(call, world, name))
        INSTANCES.forget(call, world, name)
        INSTANCES.extras(call, world, renamed).update(kept)
    INSTANCES.remember(call, world, renamed)
    if exports:
        INSTANCES.extras(call, world, renamed)["EnabledCloudwatchLogsExports"] = changed_exports(current, exports)
    INSTANCES.begin(call, world, renamed, "modifying", durations.RDS_INSTANCE_MODIFY)
    return {"DBInstance": INSTANCES.completed(call, world, result["DBInstance"])}


def delete_db_instance(call: Call, world: World) -> Result:
    name = INSTANCES.name(call)
    if name in INSTANCES.ghosts.list(call, world):
        raise AwsError("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    current = INSTANCES.current(call, world, name)
    world.forward(call)
    INSTANCES.forget(call, world, name)
    return {"DBInstance": INSTANCES.ghosts.keep(call, world, name, current, durations.RDS_INSTANCE_DELETE)}


def _given_by_aws(cluster: Result | None) -> dict[str, Any]:
    """What RDS decides itself, where moto gives every instance the same or nothing."""
    identifier = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(26))
    given: dict[str, Any] = {"DbiResourceId": f"db-{identifier}", "PerformanceInsightsEnabled": False}
    if cluster is not None:
        given["IAMDatabaseAuthenticationEnabled"] = cluster["IAMDatabaseAuthenticationEnabled"]
        given["EngineLifecycleSupport"] = cluster.get("EngineLifecycleSupport")
        given["StorageType"] = cluster["StorageType"]
        if cluster["Engine"] == ENGINE:
            given["LicenseModel"] = "postgresql-license"
    return given


def _zone(call: Call, world: World, cluster: Result) -> str:
    """The next zone of the cluster's subnet group, so that instances spread over all of them."""
    groups = world.invoke(call, "rds", "DescribeDBSubnetGroups", DBSubnetGroupName=cluster["DBSubnetGroup"])
    subnets = groups["DBSubnetGroups"][0]["Subnets"]
    zones = sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets})
    return str(zones[len(cluster["DBClusterMembers"]) % len(zones)])
