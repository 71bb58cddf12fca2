"""ElastiCache: replication groups."""

from __future__ import annotations

from datetime import timedelta

from ils_sandbox.provider.fields import Field, collection, flag, listing, number, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindNamed, ResourceType, Scope, Update, Wait
from ils_sandbox.provider.services.elasticache_groups import CACHE_TAGS, TAG_LIST
from ils_sandbox.provider.services.rds import newer_minor
from ils_sandbox.provider.values import Plain


def _switch(name: str, source: str) -> Field:
    """On or off, which AWS describes with the state of getting there."""
    return flag(
        name,
        member=f"{name[0].upper()}{name[1:]}" if name != "multiAzEnabled" else "MultiAZEnabled",
        source=source,
        default=False,
        decode=lambda state: None if state is None else state in {"enabled", "enabling"},
    )


_DESTINATIONS = {
    "cloudwatch-logs": ("CloudWatchLogsDetails", "LogGroup"),
    "kinesis-firehose": ("KinesisFirehoseDetails", "DeliveryStream"),
}


def _log_deliveries(deliveries: list[Plain]) -> list[Plain]:
    requests = []
    for delivery in deliveries:
        details, member = _DESTINATIONS[delivery["destinationType"]]
        requests.append(
            {
                "LogType": delivery["logType"],
                "LogFormat": delivery["logFormat"],
                "DestinationType": delivery["destinationType"],
                "DestinationDetails": {details: {member: delivery["destination"]}},
            }
        )
    return requests


def _described_log_deliveries(described: list[Plain] | None) -> list[Plain] | None:
    deliveries = []
    for delivery in described or ():
        details, member = _DESTINATIONS[delivery["DestinationType"]]
        deliveries.append(
            {
                "logType": delivery["LogType"],
                "logFormat": delivery["LogFormat"],
                "destinationType": delivery["DestinationType"],
                "destination": delivery.get("DestinationDetails", {}).get(details, {}).get(member, ""),
            }
        )
    return deliveries or None


def _change_token(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    if token := new.get("authToken"):
        how = {"AuthToken": token, "AuthTokenUpdateStrategy": new.get("authTokenUpdateStrategy", "ROTATE")}
    else:
        how = {"AuthTokenUpdateStrategy": "DELETE"}
    scope.call("modify_replication_group", ReplicationGroupId=id_, ApplyImmediately=True, **how)


def _change_size(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    before, after = old.get("numCacheClusters") or 1, new.get("numCacheClusters")
    if after is None:
        return
    operation = "increase_replica_count" if after > before else "decrease_replica_count"
    scope.call(operation, ReplicationGroupId=id_, NewReplicaCount=after - 1, ApplyImmediately=True)


_MODIFIED = frozenset(
    {
        "autoMinorVersionUpgrade",
        "automaticFailoverEnabled",
        "clusterMode",
        "description",
        "engine",
        "engineVersion",
        "ipDiscovery",
        "logDeliveryConfigurations",
        "maintenanceWindow",
        "multiAzEnabled",
        "nodeType",
        "notificationTopicArn",
        "parameterGroupName",
        "securityGroupIds",
        "snapshotRetentionLimit",
        "snapshotWindow",
        "transitEncryptionMode",
    }
)

_READY = Wait(
    "Status", frozenset({"available"}), frozenset({"create-failed", "deleting", "deleted"}), timedelta(minutes=60)
)

REPLICATION_GROUP = ResourceType(
    name="aws:elasticache/replicationGroup:ReplicationGroup",
    service="elasticache",
    inputs=(
        text("replicationGroupId", replace=True, canonical=str.lower),
        text("description", member="ReplicationGroupDescription", source="Description", required=True),
        text("engine", default="redis", choices=("redis", "valkey"), source="Engine || Member.Engine"),
        text("engineVersion", computed=True, source="Member.EngineVersion", accepts=newer_minor),
        text("nodeType", member="CacheNodeType", computed=True),
        number("numCacheClusters", computed=True, source="MemberClusters && length(MemberClusters)"),
        number("numNodeGroups", computed=True, replace=True, source="NodeGroups && length(NodeGroups)"),
        number("replicasPerNodeGroup", computed=True, replace=True, returned=False),
        text("clusterMode", computed=True),
        _switch("automaticFailoverEnabled", "AutomaticFailover"),
        _switch("multiAzEnabled", "MultiAZ"),
        flag("atRestEncryptionEnabled", computed=True, replace=True),
        flag("transitEncryptionEnabled", computed=True, replace=True),
        text("transitEncryptionMode", computed=True),
        text("authToken", secret=True, returned=False),
        text(
            "authTokenUpdateStrategy", sent=False, returned=False, default="ROTATE", choices=("ROTATE", "SET", "DELETE")
        ),
        text("kmsKeyId", replace=True),
        text(
            "subnetGroupName",
            member="CacheSubnetGroupName",
            source="Member.CacheSubnetGroupName",
            computed=True,
            replace=True,
        ),
        text(
            "parameterGroupName",
            member="CacheParameterGroupName",
            source="Member.CacheParameterGroup.CacheParameterGroupName",
            computed=True,
        ),
        collection("securityGroupIds", source="Member.SecurityGroups[].SecurityGroupId", computed=True),
        number(
            "port",
            replace=True,
            computed=True,
            source="ConfigurationEndpoint.Port || NodeGroups[0].PrimaryEndpoint.Port",
        ),
        number("snapshotRetentionLimit"),
        text("snapshotWindow", computed=True),
        text(
            "maintenanceWindow",
            member="PreferredMaintenanceWindow",
            source="Member.PreferredMaintenanceWindow",
            computed=True,
            canonical=str.lower,
        ),
        flag("autoMinorVersionUpgrade", computed=True),
        text("notificationTopicArn", source="Member.NotificationConfiguration.TopicArn"),
        listing("preferredCacheClusterAzs", member="PreferredCacheClusterAZs", replace=True, returned=False),
        flag(
            "dataTieringEnabled",
            computed=True,
            replace=True,
            source="DataTiering",
            decode=lambda s: s and s == "enabled",
        ),
        text("ipDiscovery", computed=True),
        text("networkType", computed=True, replace=True),
        collection(
            "logDeliveryConfigurations",
            text("destination", required=True),
            text("destinationType", required=True, choices=tuple(_DESTINATIONS)),
            text("logFormat", required=True),
            text("logType", required=True),
            encode=_log_deliveries,
            decode=_described_log_deliveries,
        ),
        text("finalSnapshotIdentifier", sent=False, returned=False),
        flag("applyImmediately", computed=True, sent=False, returned=False),
    ),
    outputs=(
        text("arn", source="ARN"),
        flag("clusterEnabled"),
        text("configurationEndpointAddress", source="ConfigurationEndpoint.Address"),
        text("engineVersionActual", source="Member.EngineVersion"),
        collection("memberClusters"),
        text("primaryEndpointAddress", source="NodeGroups[0].PrimaryEndpoint.Address"),
        text("readerEndpointAddress", source="NodeGroups[0].ReaderEndpoint.Address"),
    ),
    naming=AutoName("replicationGroupId", longest=40, lower=True),
    tagging=CACHE_TAGS,
    create=Call("create_replication_group", result="ReplicationGroup"),
    id="ReplicationGroupId",
    ready=_READY,
    read=Call("describe_replication_groups", {"ReplicationGroupId": "$id"}, "ReplicationGroups[0]"),
    missing=frozenset({"ReplicationGroupNotFoundFault", "ReplicationGroupNotFound"}),
    details=(
        Detail(
            "Member",
            Call("describe_cache_clusters", {"CacheClusterId": "$memberClusters[0]"}, "CacheClusters[0]"),
            outputs_only=True,
            missing=frozenset({"CacheClusterNotFound", "CacheClusterNotFoundFault"}),
        ),
        TAG_LIST,
    ),
    updates=(
        Update(
            _MODIFIED,
            Call("modify_replication_group", {"ReplicationGroupId": "$id", "ApplyImmediately": "$applyImmediately"}),
        ),
        Custom(frozenset({"authToken"}), _change_token),
        Custom(frozenset({"numCacheClusters"}), _change_size),
    ),
    updated=_READY,
    delete=Call(
        "delete_replication_group",
        {"ReplicationGroupId": "$id", "FinalSnapshotIdentifier": "$finalSnapshotIdentifier"},
    ),
    gone=True,
    find=FindNamed(lambda _scope, inputs: inputs["replicationGroupId"].lower()),
)

TYPES = (REPLICATION_GROUP,)
