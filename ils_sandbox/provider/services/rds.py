"""RDS: Aurora clusters and their instances."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ils_sandbox.provider.errors import ProviderError
from ils_sandbox.provider.fields import block, collection, flag, listing, number, text
from ils_sandbox.provider.resource import (
    AutoName,
    Call,
    Custom,
    Detail,
    FindNamed,
    ResourceType,
    Scope,
    Update,
    Wait,
)
from ils_sandbox.provider.services.rds_groups import RDS_TAGS
from ils_sandbox.provider.values import Plain


def newer_minor(there: str, wanted: str) -> bool:
    """A program that asks for `15` is content with `15.17`."""
    return there.startswith(f"{wanted}.")


_FAILED = frozenset(
    {
        "failed",
        "inaccessible-encryption-credentials",
        "incompatible-network",
        "incompatible-parameters",
        "incompatible-restore",
        "insufficient-capacity",
        "deleting",
    }
)


def _secrets(secret: Mapping[str, Any] | None) -> list[Plain] | None:
    if secret is None:
        return None
    names = {"kmsKeyId": "KmsKeyId", "secretArn": "SecretArn", "secretStatus": "SecretStatus"}
    return [{name: secret[member] for name, member in names.items() if secret.get(member)}]


def _change_log_exports(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    before = set(old.get("enabledCloudwatchLogsExports", ()))
    after = set(new.get("enabledCloudwatchLogsExports", ()))
    scope.call(
        "modify_db_cluster",
        DBClusterIdentifier=id_,
        ApplyImmediately=True,
        CloudwatchLogsExportConfiguration={
            "EnableLogTypes": sorted(after - before),
            "DisableLogTypes": sorted(before - after),
        },
    )


def _delete_cluster(scope: Scope, id_: str, state: Plain) -> None:
    if state.get("skipFinalSnapshot"):
        last: Plain = {"SkipFinalSnapshot": True}
    elif name := state.get("finalSnapshotIdentifier"):
        last = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": name}
    else:
        raise ProviderError(
            f"RDS cluster {id_} is to be deleted with a final snapshot, but finalSnapshotIdentifier is not set. "
            "Set it, or set skipFinalSnapshot, and apply that first."
        )
    scope.call("delete_db_cluster", DBClusterIdentifier=id_, **last)


_CLUSTER_MODIFIED = frozenset(
    {
        "allowMajorVersionUpgrade",
        "autoMinorVersionUpgrade",
        "backupRetentionPeriod",
        "copyTagsToSnapshot",
        "databaseInsightsMode",
        "dbClusterParameterGroupName",
        "deletionProtection",
        "enableHttpEndpoint",
        "engineVersion",
        "iamDatabaseAuthenticationEnabled",
        "manageMasterUserPassword",
        "masterPassword",
        "masterUserSecretKmsKeyId",
        "monitoringInterval",
        "monitoringRoleArn",
        "networkType",
        "performanceInsightsEnabled",
        "performanceInsightsKmsKeyId",
        "performanceInsightsRetentionPeriod",
        "port",
        "preferredBackupWindow",
        "preferredMaintenanceWindow",
        "serverlessv2ScalingConfiguration",
        "storageType",
        "vpcSecurityGroupIds",
    }
)

_CLUSTER_READY = Wait("Status", frozenset({"available"}), _FAILED, timedelta(minutes=120))

CLUSTER = ResourceType(
    name="aws:rds/cluster:Cluster",
    service="rds",
    inputs=(
        text("clusterIdentifier", member="DBClusterIdentifier", replace=True, canonical=str.lower),
        text("clusterIdentifierPrefix", replace=True, computed=True, sent=False, returned=False),
        text("engine", required=True, replace=True),
        text("engineMode", replace=True, default="provisioned"),
        text("engineVersion", computed=True, accepts=newer_minor),
        text("engineLifecycleSupport", computed=True, replace=True),
        text("databaseName", replace=True, computed=True),
        text("masterUsername", replace=True, computed=True),
        text("masterPassword", member="MasterUserPassword", secret=True, returned=False),
        flag(
            "manageMasterUserPassword",
            source="MasterUserSecret",
            decode=lambda secret: True if secret else None,
        ),
        text("masterUserSecretKmsKeyId", computed=True, source="MasterUserSecret.KmsKeyId"),
        number("port", computed=True),
        text("dbSubnetGroupName", member="DBSubnetGroupName", source="DBSubnetGroup", replace=True, computed=True),
        text(
            "dbClusterParameterGroupName",
            member="DBClusterParameterGroupName",
            source="DBClusterParameterGroup",
            computed=True,
        ),
        collection("vpcSecurityGroupIds", computed=True, source="VpcSecurityGroups[].VpcSecurityGroupId"),
        collection("availabilityZones", computed=True, replace=True),
        flag("storageEncrypted", computed=True, replace=True),
        text("kmsKeyId", computed=True, replace=True),
        text("storageType", computed=True),
        number("backupRetentionPeriod", default=1),
        text("preferredBackupWindow", computed=True),
        text("preferredMaintenanceWindow", computed=True, canonical=str.lower),
        flag("deletionProtection"),
        flag(
            "iamDatabaseAuthenticationEnabled",
            member="EnableIAMDatabaseAuthentication",
            source="IAMDatabaseAuthenticationEnabled",
        ),
        collection(
            "enabledCloudwatchLogsExports", member="EnableCloudwatchLogsExports", source="EnabledCloudwatchLogsExports"
        ),
        flag("copyTagsToSnapshot", default=False),
        flag("autoMinorVersionUpgrade", computed=True),
        flag("enableHttpEndpoint", source="HttpEndpointEnabled"),
        flag("performanceInsightsEnabled", member="EnablePerformanceInsights", source="PerformanceInsightsEnabled"),
        text("performanceInsightsKmsKeyId", member="PerformanceInsightsKMSKeyId", computed=True),
        number("performanceInsightsRetentionPeriod", computed=True),
        number("monitoringInterval", computed=True),
        text("monitoringRoleArn", computed=True),
        text("databaseInsightsMode", computed=True),
        text("networkType", computed=True),
        block(
            "serverlessv2ScalingConfiguration",
            number("minCapacity", required=True),
            number("maxCapacity", required=True),
            number("secondsUntilAutoPause", computed=True),
            member="ServerlessV2ScalingConfiguration",
        ),
        flag("applyImmediately", computed=True, sent=False, returned=False),
        flag("allowMajorVersionUpgrade", sent=False, returned=False),
        flag("skipFinalSnapshot", default=False, sent=False, returned=False),
        text("finalSnapshotIdentifier", sent=False, returned=False),
        flag("deleteAutomatedBackups", default=True, sent=False, returned=False),
    ),
    outputs=(
        text("arn", source="DBClusterArn"),
        text("clusterResourceId", source="DbClusterResourceId"),
        text("endpoint"),
        text("readerEndpoint"),
        text("hostedZoneId"),
        text("engineVersionActual", source="EngineVersion"),
        collection("clusterMembers", source="DBClusterMembers[].DBInstanceIdentifier"),
        listing("masterUserSecrets", source="MasterUserSecret", decode=_secrets),
    ),
    naming=AutoName("clusterIdentifier", "clusterIdentifierPrefix", longest=63, lower=True),
    tagging=RDS_TAGS,
    create=Call("create_db_cluster", result="DBCluster"),
    id="DBClusterIdentifier",
    ready=_CLUSTER_READY,
    read=Call("describe_db_clusters", {"DBClusterIdentifier": "$id"}, "DBClusters[0]"),
    missing=frozenset({"DBClusterNotFoundFault", "DBClusterNotFound"}),
    updates=(
        Update(
            _CLUSTER_MODIFIED,
            Call(
                "modify_db_cluster",
                {
                    "DBClusterIdentifier": "$id",
                    "ApplyImmediately": "$applyImmediately",
                    "AllowMajorVersionUpgrade": "$allowMajorVersionUpgrade",
                },
            ),
        ),
        Custom(frozenset({"enabledCloudwatchLogsExports"}), _change_log_exports),
    ),
    updated=_CLUSTER_READY,
    delete=_delete_cluster,
    gone=True,
    find=FindNamed(lambda _scope, inputs: inputs["clusterIdentifier"].lower()),
    validate=lambda inputs: (
        (("masterPassword", "masterPassword and manageMasterUserPassword exclude each other"),)
        if inputs.get("masterPassword") and inputs.get("manageMasterUserPassword")
        else ()
    ),
)

_INSTANCE_MODIFIED = frozenset(
    {
        "autoMinorVersionUpgrade",
        "caCertIdentifier",
        "copyTagsToSnapshot",
        "dbParameterGroupName",
        "instanceClass",
        "monitoringInterval",
        "monitoringRoleArn",
        "performanceInsightsEnabled",
        "performanceInsightsKmsKeyId",
        "performanceInsightsRetentionPeriod",
        "preferredBackupWindow",
        "preferredMaintenanceWindow",
        "promotionTier",
        "publiclyAccessible",
    }
)

_INSTANCE_READY = Wait("DBInstanceStatus", frozenset({"available"}), _FAILED, timedelta(minutes=90))


def _writer(_scope: Scope, id_: str, properties: Plain) -> Plain:
    members = properties.get("writer")
    if not isinstance(members, list):
        return {}
    return {"writer": id_ in members}


CLUSTER_INSTANCE = ResourceType(
    name="aws:rds/clusterInstance:ClusterInstance",
    service="rds",
    inputs=(
        text("identifier", member="DBInstanceIdentifier", replace=True, canonical=str.lower),
        text("identifierPrefix", replace=True, computed=True, sent=False, returned=False),
        text("clusterIdentifier", member="DBClusterIdentifier", required=True, replace=True),
        text("engine", required=True, replace=True),
        text("engineVersion", computed=True, replace=True, accepts=newer_minor),
        text("instanceClass", member="DBInstanceClass", required=True),
        flag("publiclyAccessible", computed=True),
        text(
            "dbSubnetGroupName",
            member="DBSubnetGroupName",
            source="DBSubnetGroup.DBSubnetGroupName",
            replace=True,
            computed=True,
        ),
        text(
            "dbParameterGroupName",
            member="DBParameterGroupName",
            source="DBParameterGroups[0].DBParameterGroupName",
            computed=True,
        ),
        text("availabilityZone", replace=True, computed=True),
        flag("autoMinorVersionUpgrade", default=True),
        number("monitoringInterval", default=0),
        text("monitoringRoleArn", computed=True),
        flag(
            "performanceInsightsEnabled",
            member="EnablePerformanceInsights",
            source="PerformanceInsightsEnabled",
            computed=True,
        ),
        text("performanceInsightsKmsKeyId", member="PerformanceInsightsKMSKeyId", computed=True, replace=True),
        number("performanceInsightsRetentionPeriod", computed=True),
        number("promotionTier", default=0),
        text("caCertIdentifier", member="CACertificateIdentifier", computed=True),
        flag("copyTagsToSnapshot", default=False),
        text("preferredMaintenanceWindow", computed=True, canonical=str.lower),
        text("preferredBackupWindow", computed=True),
        flag("applyImmediately", computed=True, sent=False, returned=False),
        flag("forceDestroy", default=False, sent=False, returned=False),
    ),
    outputs=(
        text("arn", source="DBInstanceArn"),
        text("dbiResourceId"),
        text("endpoint", source="Endpoint.Address"),
        number("port", source="Endpoint.Port"),
        text("engineVersionActual", source="EngineVersion"),
        text("kmsKeyId"),
        text("networkType"),
        flag("storageEncrypted"),
        flag("writer", source="Writers", decode=lambda members: members),
    ),
    naming=AutoName("identifier", "identifierPrefix", longest=63, lower=True),
    tagging=RDS_TAGS,
    create=Call("create_db_instance", result="DBInstance"),
    id="DBInstanceIdentifier",
    ready=_INSTANCE_READY,
    read=Call("describe_db_instances", {"DBInstanceIdentifier": "$id"}, "DBInstances[0]"),
    missing=frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"}),
    details=(
        Detail(
            "Writers",
            Call(
                "describe_db_clusters",
                {"DBClusterIdentifier": "$clusterIdentifier"},
                "DBClusters[0].DBClusterMembers[?IsClusterWriter].DBInstanceIdentifier",
            ),
            outputs_only=True,
            missing=frozenset({"DBClusterNotFoundFault"}),
        ),
    ),
    derived=_writer,
    updates=(
        Update(
            _INSTANCE_MODIFIED,
            Call("modify_db_instance", {"DBInstanceIdentifier": "$id", "ApplyImmediately": "$applyImmediately"}),
        ),
    ),
    updated=_INSTANCE_READY,
    delete=Call("delete_db_instance", {"DBInstanceIdentifier": "$id", "SkipFinalSnapshot": True}),
    gone=True,
    find=FindNamed(lambda _scope, inputs: inputs["identifier"].lower()),
)

TYPES = (CLUSTER, CLUSTER_INSTANCE)
